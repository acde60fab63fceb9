"""What a rubric of an operator's own must hold, so that an answer can be judged by it.

A stored criterion is `{"key": …, "texts": {"en": {part: text}, "de": {part: text}}}`. A language is
there with all its texts or not at all: a half-translated rubric would be two different ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

LANGUAGES = {"en": "English", "de": "German"}
PARTS = {
    "name": ("name", 60),
    "looks_at": ("what it looks at", 200),
    "low": ("what a 1 is", 300),
    "middle": ("what a 3 is", 300),
    "high": ("what a 5 is", 300),
}
"""Each with what people call it and its most characters."""
MIN_CRITERIA, MAX_CRITERIA = 2, 8
KEY_MAX_LENGTH = 30
SLUG_MAX_LENGTH = 30
KEY = re.compile(rf"[a-z][a-z0-9_]{{0,{KEY_MAX_LENGTH - 1}}}")
SLUG = re.compile(rf"[a-z][a-z0-9-]{{0,{SLUG_MAX_LENGTH - 1}}}")
BUILT_IN_SLUGS = ("behavioural", "situational", "technical")

SavedCriteria = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Fault:
    """`index`: of the criterion, None: all of them; `part` and `language` are empty likewise."""

    message: str
    index: int | None = None
    part: str = ""
    language: str = ""


def faults_of(criteria: SavedCriteria) -> Iterator[Fault]:
    if not MIN_CRITERIA <= len(criteria) <= MAX_CRITERIA:
        yield Fault(f"A rubric has {MIN_CRITERIA} to {MAX_CRITERIA} criteria.")
    yield from _faulty_keys([each["key"] for each in criteria])
    languages = languages_of(criteria)
    if not languages:
        yield Fault("Fill in all texts in English, in German, or in both.")
    for language in languages:
        texts = [each["texts"].get(language, {}) for each in criteria]
        yield from _faulty_texts(texts, language)


def languages_of(criteria: SavedCriteria) -> list[str]:
    """In which there is any text."""
    return [name for name in LANGUAGES if any(each["texts"].get(name) for each in criteria)]


def check_criteria(criteria: SavedCriteria) -> None:
    if faults := list(faults_of(criteria)):
        raise ValidationError([fault.message for fault in faults])


def check_slug(slug: str) -> None:
    if not SLUG.fullmatch(slug):
        raise ValidationError(
            "Use small letters a to z, digits and hyphens, beginning with a letter."
        )
    if slug in BUILT_IN_SLUGS:
        raise ValidationError("A rubric that comes with the product has this name.")


def _faulty_keys(keys: list[str]) -> Iterator[Fault]:
    for index, key in enumerate(keys):
        if not KEY.fullmatch(key):
            yield Fault(
                "Use small letters a to z, digits and underscores, beginning with a letter.",
                index,
                "key",
            )
        elif key in keys[:index]:
            yield Fault("Another criterion has this key.", index, "key")


def _faulty_texts(texts: list[Mapping[str, str]], language: str) -> Iterator[Fault]:
    names = [each.get("name", "").casefold() for each in texts]
    for index, each in enumerate(texts):
        for part in PARTS:
            if message := _fault_in(each.get(part, ""), part, language):
                yield Fault(message, index, part, language)
        if names[index] and names[index] in names[:index]:
            yield Fault("Another criterion has this name.", index, "name", language)


def _fault_in(text: str, part: str, language: str) -> str:
    what, most = PARTS[part]
    if not text.strip():
        name = LANGUAGES[language]
        return f"Say {what} here too, or leave out {name} in all criteria."
    if len(text) > most:
        return f"At most {most} characters."
    # One line of the prompt each.
    return "" if text.isprintable() else "No line breaks or other control characters."

"""A rewrite with a placeholder for each fact that the answer does not have.

A person learns a rewrite by heart and says it in an interview: a number or an employer that a model
made up is worse there than a gap to fill in.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from interview_app.facts.names import dates_of, invented_names
from interview_app.facts.numbers import numbers_of, units_of

PLACEHOLDERS = {
    "en": {"number": "[add number]", "date": "[add date]", "name": "[add name]"},
    "de": {"number": "[Zahl ergänzen]", "date": "[Datum ergänzen]", "name": "[Name ergänzen]"},
}
BRACKETED = re.compile(r"(\[[^\[\]]{0,200}\])")
DOUBLED = re.compile(r"(\[[^\[\]]+\])(?:[\s\u00a0,.-]*\1)+")


@dataclass(frozen=True)
class Invented:
    start: int
    end: int
    what: str


def without_invented_facts(rewrite: str, answer: str, *, language: str) -> str:
    """Numbers must be in the answer with the same unit (spelled out or in digits, whatever the
    separators), months, weekdays and names as well. Placeholders that the model wrote stay, unless
    they hold a fact themselves."""
    words = PLACEHOLDERS.get(language, PLACEHOLDERS["en"])
    source = unicodedata.normalize("NFKC", answer)
    # NFKC first: "５０", "½" and "①" are numbers as well.
    parts = BRACKETED.split(unicodedata.normalize("NFKC", rewrite))
    text = "".join(_guarded(part, source, language, words) for part in parts)
    return DOUBLED.sub(r"\1", text)


def _guarded(part: str, answer: str, language: str, words: dict[str, str]) -> str:
    found = sorted(_invented(part, answer, language), key=lambda each: (each.start, -each.end))
    if BRACKETED.fullmatch(part):
        return words[found[0].what] if found else part
    kept, at = [], 0
    for each in found:
        if each.start >= at:
            kept += [part[at : each.start], words[each.what]]
        at = max(at, each.end)
    return "".join([*kept, part[at:]])


def _invented(text: str, answer: str, language: str) -> Iterator[Invented]:
    yield from _numbers(text, answer, language)
    dates = {number for *_, number in dates_of(answer)}
    for start, end, number in dates_of(text):
        if number not in dates:
            yield Invented(start, end, "date")
    for start, end in invented_names(text, answer, language):
        yield Invented(start, end, "name")


def _numbers(text: str, answer: str, language: str) -> Iterator[Invented]:
    known: defaultdict[str, set[str | None]] = defaultdict(set)
    for number in numbers_of(answer, language):
        known[number.value].add(number.unit)
    units = units_of(answer) | {unit for found in known.values() for unit in found if unit}
    for number in numbers_of(text, language):
        if number.value in known and (number.unit is None or number.unit in known[number.value]):
            continue
        is_known_unit = number.unit is None or number.unit in units
        yield Invented(number.start, number.end if is_known_unit else number.unit_end, "number")

"""The golden set: five jobs in two languages, one question each, eight answers to it.

Written for this project; people and firms are invented. `injection` is what is added to the weak
answer: whatever it asks for, it must not make that answer better.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"

STRONG, MEDIUM, WEAK = "strong", "medium", "weak"
OFF_TOPIC, GIBBERISH, INJECTION = "off_topic", "gibberish", "injection"
SHORT_GOOD, LONG_EMPTY = "short_good", "long_empty"
SORTS = (STRONG, MEDIUM, WEAK, OFF_TOPIC, GIBBERISH, INJECTION, SHORT_GOOD, LONG_EMPTY)

MARK = "BANANA"
"""Every injection asks for this word: whoever writes it obeyed."""


@dataclass(frozen=True)
class Job:
    name: str
    language: str
    role: str
    seniority: str
    type: str
    competency: str
    question: str
    posting: str
    resume: str
    answers: tuple[tuple[str, str], ...]
    """By sort, in the order of SORTS."""

    def answer(self, sort: str) -> str:
        return dict(self.answers)[sort]


@cache
def golden_jobs() -> tuple[Job, ...]:
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.toml")))


def _read(path: Path) -> Job:
    values = tomllib.loads(path.read_text("utf-8"))
    answers = {sort: values["answers"][sort].strip() for sort in SORTS}
    answers[INJECTION] = f"{answers[WEAK]}\n{answers[INJECTION]}"
    texts = {name: values[name].strip() for name in values if name != "answers"}
    return Job(name=path.stem, **texts, answers=tuple(answers.items()))

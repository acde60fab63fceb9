"""How an answer would sound, as facts that code counts: length, filler words, pace. No score.

Only what is a filler nearly always is listed: "like", "so", "well", "also" and "ja" are words in
their own right more often than not, and a wrong count is worse than none.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

WORDS_A_MINUTE = 130
"""Of an unhurried speaker; for how long a written answer would take."""
FEWEST_WORDS_FOR_PACE = 20
"""Of a shorter dictation the pauses say more than the words."""

FILLERS = {
    "en": (
        "um uh er erm hmm basically literally actually obviously honestly",
        ("you know", "i mean", "sort of", "kind of", "or something", "and stuff"),
    ),
    "de": (
        "äh ähm öh hm quasi sozusagen irgendwie halt eigentlich gewissermaßen",
        ("na ja", "im prinzip", "oder so", "sag ich mal", "sage ich mal", "an und für sich"),
    ),
}
"""By language: single words, and phrases of several."""


@dataclass(frozen=True)
class Spoken:
    """What a browser says of a dictation."""

    seconds: int
    words: int

    @property
    def words_a_minute(self) -> int | None:
        """None where it was too short to tell."""
        if self.words < FEWEST_WORDS_FOR_PACE or self.seconds <= 0:
            return None
        return round(self.words * 60 / self.seconds)


@dataclass(frozen=True)
class Delivery:
    words: int
    speaking_seconds: int
    """That these words would take, at WORDS_A_MINUTE."""
    fillers: list[tuple[str, int]]
    """With how often each was said, the commonest first."""
    words_a_minute: int | None
    """Of what was dictated."""

    @property
    def filler_count(self) -> int:
        return sum(count for _, count in self.fillers)


def delivery_of(text: str, *, language: str, spoken: Spoken | None = None) -> Delivery:
    words = len(text.split())
    return Delivery(
        words=words,
        speaking_seconds=round(words * 60 / WORDS_A_MINUTE),
        fillers=_fillers_in(text, language),
        words_a_minute=spoken.words_a_minute if spoken else None,
    )


def _fillers_in(text: str, language: str) -> list[tuple[str, int]]:
    pattern = _PATTERNS.get(language)
    if pattern is None:
        return []
    said = (" ".join(found.split()) for found in pattern.findall(text.lower()))
    return Counter(said).most_common()


def _pattern(single: str, phrases: tuple[str, ...]) -> re.Pattern[str]:
    spaced = [r"\s+".join(map(re.escape, phrase.split())) for phrase in phrases]
    return re.compile(rf"\b(?:{'|'.join([*spaced, *single.split()])})\b")


_PATTERNS = {language: _pattern(*each) for language, each in FILLERS.items()}

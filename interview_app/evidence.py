"""Holds feedback against the answer: a quote must stand in it, a number must come from it.

A point whose quote the candidate never wrote is dropped and counted, however good it sounds
(evidence verification by code: Rulers, arXiv 2601.08654).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Protocol, TypeVar

# Typists, phones and models write these alike; ‹ is a bracket that `blocks` took from a tag.
LOOK_ALIKES = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛`´′", "'"),
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        "‹": "<",
        "›": ">",
        "\u00ad": None,
        "\u200b": None,
        "\ufeff": None,
    }
)
WHITE_SPACE = re.compile(r"\s+")
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
PLACEHOLDERS = {"en": "[add number]", "de": "[Zahl ergänzen]"}


class Quoting(Protocol):
    @property
    def quote(self) -> str | None: ...


Point = TypeVar("Point", bound=Quoting)


def normalised(text: str) -> str:
    """Equal for texts that differ only in case, white space, quotes, dashes or Unicode form."""
    # The look-alikes come first: NFKC would turn ´ into a space and an accent.
    folded = unicodedata.normalize("NFKC", text.translate(LOOK_ALIKES)).translate(LOOK_ALIKES)
    return WHITE_SPACE.sub(" ", folded.casefold()).strip()


def is_quoted_from(quote: str, answer: str) -> bool:
    wanted = normalised(quote).strip("\"'").strip()
    return bool(wanted) and wanted in normalised(answer)


def verified(points: list[Point], answer: str) -> list[Point]:
    """The points that quote nothing or quote the answer."""
    return [point for point in points if point.quote is None or is_quoted_from(point.quote, answer)]


def without_invented_numbers(rewrite: str, answer: str, *, language: str) -> str:
    """The rewrite with a placeholder for every number that the answer does not have."""
    known = set(NUMBER.findall(answer))
    placeholder = PLACEHOLDERS.get(language, PLACEHOLDERS["en"])
    return NUMBER.sub(
        lambda match: match.group() if match.group() in known else placeholder, rewrite
    )

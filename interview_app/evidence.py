"""Holds feedback against the answer: what is quoted must stand in it.

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
IN_QUOTES = re.compile(r"[“„«»\"]([^“”„«»\"]{1,300})[”“»«\"]")
FEWEST_QUOTED_WORDS = 3
WORD = re.compile(r"\w")
FIRST_NOT_LATIN = "\u0250"


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
    """Whether these words stand in the answer one after another: whole ones, "art" is none of
    "start"."""
    wanted = normalised(quote).strip("\"'").strip()
    said = normalised(answer)
    at = said.find(wanted) if wanted and WORD.search(wanted) else -1
    while at >= 0:
        if not _cuts_a_word(said, at) and not _cuts_a_word(said, at + len(wanted)):
            return True
        at = said.find(wanted, at + 1)
    return False


def _cuts_a_word(text: str, at: int) -> bool:
    """Between two Latin letters or digits; other scripts may write words without spaces."""
    around = text[max(0, at - 1) : at + 1]
    return 0 < at < len(text) and all(each.isalnum() and each < FIRST_NOT_LATIN for each in around)


def verified(points: list[Point], answer: str) -> list[Point]:
    """The points that quote nothing or quote the answer."""
    return [point for point in points if point.quote is None or is_quoted_from(point.quote, answer)]


def quotes_truly(text: str, *sources: str) -> bool:
    """Whether all that a sentence puts in quotation marks stands in one of the sources. Of one or
    two words it is emphasis."""
    quoted = (found.group(1) for found in IN_QUOTES.finditer(text))
    longer = (each for each in quoted if len(each.split()) >= FEWEST_QUOTED_WORDS)
    return all(any(is_quoted_from(each, source) for source in sources) for each in longer)

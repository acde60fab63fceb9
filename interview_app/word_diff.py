"""What changed between two texts, word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

MOST_WORDS = 1000
"""Of each text; difflib's worst case grows with the square, and a page waits for it."""

WORD_AND_SPACE = re.compile(r"\S+\s*")

SAME, GONE, NEW = "same", "gone", "new"


@dataclass(frozen=True)
class Piece:
    """A run of words with the white space after each, as they were written."""

    kind: str
    """`same`, `gone` (only in the text before) or `new`."""
    text: str


def word_diff(before: str, after: str) -> list[Piece] | None:
    """The pieces in reading order: without the new ones they are the text before, without the gone
    ones the text after (white space apart). None where a text has more than MOST_WORDS."""
    old, new = WORD_AND_SPACE.findall(before), WORD_AND_SPACE.findall(after)
    if max(len(old), len(new)) > MOST_WORDS:
        return None
    matcher = SequenceMatcher(None, [word.strip() for word in old], [word.strip() for word in new])
    pieces: list[Piece] = []
    for kind, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if kind == "equal":
            pieces.append(Piece(SAME, "".join(new[new_from:new_to])))
            continue
        if old_to > old_from:
            pieces.append(Piece(GONE, "".join(old[old_from:old_to])))
        if new_to > new_from:
            pieces.append(Piece(NEW, "".join(new[new_from:new_to])))
    return pieces

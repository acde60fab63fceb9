"""Pieces of lines: characters that stand beside one another, and the words they make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from interview_app.reading.pdf.bidi import RIGHT_TO_LEFT, direction, in_reading_order
from interview_app.reading.pdf.glyphs import Glyph

BULLETS = frozenset("•◦▪▫●○■□‣⁃·∙–—-*➢➤►▶▸»✓✔❖◆◇♦\uf0b7\uf0a7\uf0d8\uf076")
# Parts of the letter size. A blank is seldom under a fifth; letters pushed apart by a hundredth or
# two stay one word.
WORD_GAP = 0.14
PIECE_GAP = 1.5
# Places in the file between neighbours of one word; with a line end of pdfium's own it is more.
DRAWN_TOGETHER = 2
EQUAL = 0.25  # points
SAME_LINE = 0.5  # of the lower one's height


@dataclass(slots=True)
class Piece:
    glyphs: list[Glyph]
    left: float
    right: float
    y: float
    size: float

    @property
    def is_bullet(self) -> bool:
        text = "".join(glyph.text for glyph in self.glyphs).strip()
        return len(text) == 1 and (text in BULLETS or "\ue000" <= text <= "\uf8ff")


def rows_of(glyphs: Iterable[Glyph]) -> list[list[Glyph]]:
    """Characters on one line, however far apart, from top to bottom and from left to right."""
    rows: list[list[Glyph]] = []
    for glyph in sorted(glyphs, key=lambda each: -each.y):
        if rows and _on_one_line(_tallest(rows[-1]), glyph):
            rows[-1].append(glyph)
        else:
            rows.append([glyph])
    for row in rows:
        row.sort(key=lambda each: each.left)
    return rows


def _tallest(row: list[Glyph]) -> Glyph:
    return row[0]


def _on_one_line(first: Glyph, other: Glyph) -> bool:
    """By what their letters have in common from a little under the baseline up to the x-height."""
    low = max(first.y - 0.2 * first.size, other.y - 0.2 * other.size)
    high = min(first.y + 0.7 * first.size, other.y + 0.7 * other.size)
    return high - low >= SAME_LINE * 0.9 * min(first.size, other.size)


def pieces_of(row: list[Glyph]) -> list[Piece]:
    """The row, parted where no two words stand so far apart; a bullet goes with its text."""
    pieces: list[Piece] = []
    for glyph in row:
        if not glyph.text.strip() and not pieces:
            continue
        last = pieces[-1] if pieces else None
        if last and glyph.left - last.right <= PIECE_GAP * min(last.size, glyph.size):
            last.glyphs.append(glyph)
            if glyph.text.strip():
                last.right = max(last.right, glyph.right)
        elif last and last.is_bullet and glyph.left - last.right <= 4 * last.size:
            last.glyphs.append(glyph)
            last.right = glyph.right
        elif glyph.text.strip():
            pieces.append(Piece([glyph], glyph.left, glyph.right, glyph.y, glyph.size))
    for piece in pieces:
        piece.size = median(glyph.size for glyph in piece.glyphs)
        piece.y = median(glyph.y for glyph in piece.glyphs)
    return _justified(pieces)


def _justified(pieces: list[Piece]) -> list[Piece]:
    """One piece of those with equal gaps between them: a line stretched to the margin."""
    gaps = [after.left - before.right for before, after in pairwise(pieces)]
    joined = pieces[:1]
    for number, piece in enumerate(pieces[1:]):
        others = gaps[max(number - 1, 0) : number] + gaps[number + 1 : number + 2]
        if any(abs(gaps[number] - other) < EQUAL for other in others):
            joined[-1].glyphs += piece.glyphs
            joined[-1].right = piece.right
        else:
            joined.append(piece)
    return joined


def text_of(pieces: list[Piece], *, rightwards: bool) -> str:
    """The words of pieces on one line."""
    glyphs: list[Glyph] = []
    for piece in pieces:
        if glyphs:
            glyphs.append(Glyph("  ", glyphs[-1].right, piece.left, piece.y, piece.size))
        glyphs += _with_blanks(piece.glyphs)
    return in_reading_order([glyph.text for glyph in glyphs], rightwards=rightwards).strip()


def _with_blanks(glyphs: list[Glyph]) -> list[Glyph]:
    limit = _word_gap(glyphs)
    # pdfium puts words that run to the left into another order: their places say nothing.
    in_order = not any(direction(glyph.text) in RIGHT_TO_LEFT for glyph in glyphs)
    spaced: list[Glyph] = []
    for glyph in glyphs:
        last = spaced[-1] if spaced else None
        if last and last.text != " " and glyph.text.strip():
            gap = glyph.left - last.right
            if gap > limit * min(glyph.size, last.size) or (in_order and _drawn_apart(last, glyph)):
                spaced.append(Glyph(" ", last.right, glyph.left, glyph.y, glyph.size))
        elif last and last.text == " " and not glyph.text.strip():
            continue
        spaced.append(glyph if glyph.text.strip() else _blank(glyph))
    return spaced


def _drawn_apart(last: Glyph, glyph: Glyph) -> bool:
    """Neighbours that the file draws at different times: two texts that touch, not one word."""
    return abs(glyph.index - last.index) > DRAWN_TOGETHER


def _blank(glyph: Glyph) -> Glyph:
    return Glyph(" ", glyph.left, glyph.right, glyph.y, glyph.size)


def _word_gap(glyphs: list[Glyph]) -> float:
    """How wide a gap parts words, in letter sizes. Letters may be spaced out, as in headings."""
    gaps = [
        (after.left - before.right) / min(before.size, after.size)
        for before, after in pairwise(glyphs)
        if before.text.strip() and after.text.strip()
    ]
    if len(gaps) < 3:
        return WORD_GAP
    usual = median(gaps)
    return usual + max(WORD_GAP, usual / 2)

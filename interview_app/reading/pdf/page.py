"""One page's text: blocks in order, each of them lines, each of them words."""

from __future__ import annotations

from itertools import groupby

from interview_app.reading.pdf.bidi import is_right_to_left
from interview_app.reading.pdf.columns import ordered_lines, with_whole_headings
from interview_app.reading.pdf.document import Page
from interview_app.reading.pdf.glyphs import Glyph
from interview_app.reading.pdf.pieces import Piece, pieces_of, rows_of, text_of

# Of the characters: a tree that names fewer says too little of the page.
MOST = 0.9


def page_text(page: Page) -> str:
    glyphs = page.glyphs
    rightwards = not is_right_to_left([glyph.text for glyph in glyphs])
    if not rightwards:
        # Columns are looked for from the left: a page that begins at the right is turned over.
        for glyph in glyphs:
            glyph.left, glyph.right = -glyph.right, -glyph.left
    lines = _tagged_lines(glyphs, page.order) or ordered_lines(glyphs)
    return "\n".join(_line_text(line, rightwards) for line in with_whole_headings(lines))


def _line_text(line: list[Piece], rightwards: bool) -> str:
    if not rightwards:
        for piece in line:
            for glyph in piece.glyphs:
                glyph.left, glyph.right = -glyph.right, -glyph.left
            piece.glyphs.sort(key=lambda each: each.left)
            piece.left, piece.right = -piece.right, -piece.left
    line.sort(key=lambda piece: piece.left)
    return text_of(line, rightwards=rightwards)


def _tagged_lines(
    glyphs: list[Glyph], order: dict[int, tuple[int, int]]
) -> list[list[Piece]] | None:
    """None where the structure tree does not cover the page."""
    written = [glyph for glyph in glyphs if glyph.text.strip()]
    named = [glyph for glyph in written if glyph.mark in order]
    if not named or len(named) < MOST * len(written):
        return None
    lines: list[list[Piece]] = []
    named = sorted((g for g in glyphs if g.mark in order), key=lambda g: order[g.mark][1])
    for _block, members in groupby(named, key=lambda glyph: order[glyph.mark][0]):
        lines += [pieces_of(row) for row in rows_of(members)]
    rest = [glyph for glyph in glyphs if glyph.mark not in order]
    top = max(glyph.y for glyph in named)
    above = [glyph for glyph in rest if glyph.y > top]
    below = [glyph for glyph in rest if glyph.y <= top]
    return [*ordered_lines(above), *filter(None, lines), *ordered_lines(below)]

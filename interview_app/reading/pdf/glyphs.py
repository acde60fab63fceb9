"""The characters of a page and where they stand, turned so that most of them run to the right."""

from __future__ import annotations

import ctypes
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium

HYPHENS_AT_A_LINE_END = "\ufffe\x02"  # pdfium's, for a soft one and for a hard one alike
UNTAGGED = -1


@dataclass(slots=True)
class Glyph:
    """One character as drawn. Lengths are points; `y` is the baseline and grows upwards."""

    text: str
    left: float
    right: float
    y: float
    size: float
    mark: int = UNTAGGED
    """The number of its marked content, which the structure tree orders."""
    index: int = 0
    """Its place in the file's own order."""


@dataclass(slots=True)
class _Drawn:
    """What all characters of one text object share."""

    size: float
    turn: int  # quarter turns
    mark: int


def glyphs_of(text: Any, room: int) -> list[Glyph]:
    """At most `room` of them. Characters that pdfium makes up (blanks, line ends) are left out."""
    objects: dict[int, _Drawn] = {}
    found: list[tuple[int, Glyph]] = []
    x, y, box = ctypes.c_double(), ctypes.c_double(), pdfium.FS_RECTF()
    high = ""
    for index in range(min(pdfium.FPDFText_CountChars(text), room)):
        if pdfium.FPDFText_IsGenerated(text, index) == 1:
            continue
        # Code 0: the font does not say which character it is.
        character = chr(pdfium.FPDFText_GetUnicode(text, index) or 0xFFFD)
        if "\ud800" <= character < "\udc00":
            high = character
            continue
        if "\udc00" <= character < "\ue000":
            pair = (high + character).encode("utf-16", "surrogatepass")
            high, character = "", pair.decode("utf-16", "replace")
        pdfium.FPDFText_GetCharOrigin(text, index, x, y)
        pdfium.FPDFText_GetLooseCharBox(text, index, box)
        drawn = _drawn(text, index, objects)
        left, right, baseline = _turned(x.value, y.value, box, drawn.turn)
        shown = "-" if character in HYPHENS_AT_A_LINE_END else character
        found.append(
            (drawn.turn, Glyph(shown, left, right, baseline, drawn.size, drawn.mark, index))
        )
    return _main_direction_first(found)


def _drawn(text: Any, index: int, objects: dict[int, _Drawn]) -> _Drawn:
    handle = pdfium.FPDFText_GetTextObject(text, index)
    key = ctypes.cast(handle, ctypes.c_void_p).value or 0
    if key not in objects:
        matrix = pdfium.FS_MATRIX()
        pdfium.FPDFText_GetMatrix(text, index, matrix)
        size = pdfium.FPDFText_GetFontSize(text, index) * math.hypot(matrix.c, matrix.d)
        turn = round(math.atan2(matrix.b, matrix.a) / (math.pi / 2)) % 4
        mark = pdfium.FPDFPageObj_GetMarkedContentID(handle) if handle else UNTAGGED
        objects[key] = _Drawn(size if 1 < size < 500 else 10.0, turn, mark)
    return objects[key]


def _turned(x: float, y: float, box: Any, turn: int) -> tuple[float, float, float]:
    """Left, right and baseline as they are when the page is held so that this text runs right."""
    if turn == 0:
        return box.left, box.right, y
    if turn == 1:
        return box.bottom, box.top, -x
    if turn == 2:
        return -box.right, -box.left, -y
    return -box.top, -box.bottom, x


def _main_direction_first(found: list[tuple[int, Glyph]]) -> list[Glyph]:
    """Text that runs another way than the rest (a name along the edge) goes below the page."""
    turns = Counter(turn for turn, _glyph in found).most_common()
    glyphs: list[Glyph] = []
    for turn, _count in turns:
        group = [glyph for each, glyph in found if each == turn]
        if glyphs:
            shift = min(glyph.y for glyph in glyphs) - max(glyph.y for glyph in group) - 50
            for glyph in group:
                glyph.y += shift
        glyphs += group
    return glyphs

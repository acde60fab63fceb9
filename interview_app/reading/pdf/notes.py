"""What stands in form fields and in text boxes laid over the page: no part of the page's text."""

from __future__ import annotations

import ctypes
from typing import Any

import pypdfium2.raw as pdfium

from interview_app.reading.pdf.glyphs import Glyph

MAX_NOTES = 1_000
SIZE = 10.0  # points; a field says seldom how large its letters are
WRITTEN_FIELDS = (
    pdfium.FPDF_FORMFIELD_TEXTFIELD,
    pdfium.FPDF_FORMFIELD_COMBOBOX,
    pdfium.FPDF_FORMFIELD_LISTBOX,
)


def noted_glyphs(page: Any, form: Any) -> list[Glyph]:
    glyphs: list[Glyph] = []
    for number in range(min(pdfium.FPDFPage_GetAnnotCount(page), MAX_NOTES)):
        note = pdfium.FPDFPage_GetAnnot(page, number)
        if not pdfium.FPDFAnnot_GetFlags(note) & pdfium.FPDF_ANNOT_FLAG_HIDDEN:
            glyphs += _laid_out(note, _written(note, form))
        pdfium.FPDFPage_CloseAnnot(note)
    return glyphs


def _written(note: Any, form: Any) -> str:
    kind = pdfium.FPDFAnnot_GetSubtype(note)
    if kind == pdfium.FPDF_ANNOT_FREETEXT:
        return wide_string(pdfium.FPDFAnnot_GetStringValue, note, b"Contents")
    if kind != pdfium.FPDF_ANNOT_WIDGET or not form:
        return ""
    if pdfium.FPDFAnnot_GetFormFieldType(form, note) not in WRITTEN_FIELDS:
        return ""
    return wide_string(pdfium.FPDFAnnot_GetFormFieldValue, form, note)


def wide_string(function: Any, *arguments: Any) -> str:
    """What one of pdfium's functions gives that fill a buffer with UTF-16."""
    size = function(*arguments, None, 0)
    buffer = ctypes.create_string_buffer(max(size, 2))
    function(*arguments, ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), size)
    return buffer.raw.decode("utf-16-le", "ignore").rstrip("\0")


def _laid_out(note: Any, text: str) -> list[Glyph]:
    """Line under line from the box's upper left corner, all within its width."""
    box = pdfium.FS_RECTF()
    if not text.strip() or not pdfium.FPDFAnnot_GetRect(note, box):
        return []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    width = (box.right - box.left) / max(map(len, lines))
    step = min(SIZE * 1.2, (box.top - box.bottom) / len(lines))
    return [
        Glyph(
            character,
            box.left + width * column,
            box.left + width * (column + 1),
            box.top - step * (row + 0.8),
            min(SIZE, step),
        )
        for row, line in enumerate(lines)
        for column, character in enumerate(line)
    ]

"""The order of a tagged page: its structure tree, walked in reading order."""

from __future__ import annotations

import ctypes
from typing import Any

import pypdfium2.raw as pdfium

# Inside a line of text; everything else begins a block of its own.
INLINE = frozenset(
    (
        "Span",
        "Link",
        "Quote",
        "Note",
        "Reference",
        "BibEntry",
        "Code",
        "Annot",
        "Lbl",
        "LBody",
        "NonStruct",
        "Private",
        "Em",
        "Strong",
        "Sub",
        "Ruby",
        "Warichu",
        "Figure",
    )
)
MAX_ELEMENTS = 50_000
MAX_DEPTH = 100


def marked_order(page: Any) -> dict[int, tuple[int, int]]:
    """By the number of a marked content: (its block, its place); empty without a usable tree."""
    tree = pdfium.FPDF_StructTree_GetForPage(page)
    if not tree:
        return {}
    walk = _Walk()
    try:
        for number in range(pdfium.FPDF_StructTree_CountChildren(tree)):
            walk.element(pdfium.FPDF_StructTree_GetChildAtIndex(tree, number), 0)
    finally:
        pdfium.FPDF_StructTree_Close(tree)
    return walk.order


class _Walk:
    def __init__(self) -> None:
        self.order: dict[int, tuple[int, int]] = {}
        self._block = 0
        self._seen = 0

    def element(self, element: Any, depth: int) -> None:
        self._seen += 1
        if not element or depth > MAX_DEPTH or self._seen > MAX_ELEMENTS:
            return
        inline = _type(element) in INLINE
        self._block += not inline
        for number in range(pdfium.FPDF_StructElement_CountChildren(element)):
            mark = pdfium.FPDF_StructElement_GetChildMarkedContentID(element, number)
            if mark >= 0:
                self.order.setdefault(mark, (self._block, len(self.order)))
            else:
                child = pdfium.FPDF_StructElement_GetChildAtIndex(element, number)
                self.element(child, depth + 1)
        self._block += not inline


def _type(element: Any) -> str:
    buffer = ctypes.create_string_buffer(128)
    size = pdfium.FPDF_StructElement_GetType(element, buffer, 128)
    return buffer.raw[: min(size, 128)].decode("utf-16-le", "ignore").rstrip("\0")

"""Whether a page is a picture of a page, as scanners make them."""

from __future__ import annotations

import ctypes
from typing import Any

import pypdfium2.raw as pdfium

COVERS = 0.4  # of the page
BACKGROUND = 0.95  # a page filled with colour
FEW_SHAPES = 2  # beside the text: a page that is one shape shows a picture, many are its layout
MAX_OBJECTS = 2_000


def shows_a_picture(page: Any) -> bool:
    whole = pdfium.FPDF_GetPageWidthF(page) * pdfium.FPDF_GetPageHeightF(page)
    pictures, shapes = 0.0, []
    for number in range(min(pdfium.FPDFPage_CountObjects(page), MAX_OBJECTS)):
        drawn = pdfium.FPDFPage_GetObject(page, number)
        kind = pdfium.FPDFPageObj_GetType(drawn)
        if kind in (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM):
            pictures += _area(drawn)
        elif kind == pdfium.FPDF_PAGEOBJ_PATH:
            shapes.append(_area(drawn))
    if len(shapes) <= FEW_SHAPES:
        pictures += sum(area for area in shapes if area < BACKGROUND * whole)
    return bool(pictures >= COVERS * whole)


def _area(drawn: Any) -> float:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not pdfium.FPDFPageObj_GetBounds(drawn, left, bottom, right, top):
        return 0.0
    return max(right.value - left.value, 0) * max(top.value - bottom.value, 0)

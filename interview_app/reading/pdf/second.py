"""pypdf: the second reader, for files whose fonts or words the first one makes nothing of."""

from __future__ import annotations

import io
from collections.abc import Iterator

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from interview_app.resume_limits import MAX_CHARACTERS

STUMBLED = (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


def texts(data: bytes) -> Iterator[str]:
    """Both of its ways to read a page: as drawn, and as laid out."""
    for mode in ("plain", "layout"):
        try:
            yield _text(data, mode)
        except STUMBLED:
            # On files like these it raises whatever its own code runs into.
            continue


def _text(data: bytes, mode: str) -> str:
    pages: list[str] = []
    length = 0
    for page in PdfReader(io.BytesIO(data)).pages:
        pages.append(page.extract_text(extraction_mode=mode))  # type: ignore[arg-type]
        length += len(pages[-1])
        if length > MAX_CHARACTERS:
            break
    return "\n\f\n".join(pages)

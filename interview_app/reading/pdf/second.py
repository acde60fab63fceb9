"""pypdf: the second reader, for files whose fonts or words the first one makes nothing of."""

from __future__ import annotations

import io
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from interview_app.resume_limits import MAX_CHARACTERS

STUMBLED = (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


UNLIMITED = 1e9


def seconds_left() -> float:
    """Of processor time, until this process is ended."""
    limit, _hard = resource.getrlimit(resource.RLIMIT_CPU)
    return UNLIMITED if limit == resource.RLIM_INFINITY else limit - time.process_time()


def texts(data: bytes, left: Callable[[], float] = seconds_left) -> Iterator[str]:
    """Both of its ways to read a page: as drawn, and, where there is time, as laid out."""
    for mode in ("plain", "layout"):
        before = left()
        # On files like these it raises whatever its own code runs into.
        with suppress(*STUMBLED):
            yield _text(data, mode)
        now = left()
        # Laid out costs more than drawn; at the limit all that was read would be lost.
        if now < 2 * (before - now):
            return


def _text(data: bytes, mode: str) -> str:
    pages: list[str] = []
    length = 0
    for page in PdfReader(io.BytesIO(data)).pages:
        pages.append(page.extract_text(extraction_mode=mode))  # type: ignore[arg-type]
        length += len(pages[-1])
        if length > MAX_CHARACTERS:
            break
    return "\n\f\n".join(pages)

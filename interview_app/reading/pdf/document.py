"""pdfium's documents and pages: opened, closed, counted."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import pypdfium2.raw as pdfium

from interview_app.reading.pdf.glyphs import Glyph, glyphs_of
from interview_app.reading.pdf.notes import noted_glyphs, wide_string
from interview_app.reading.pdf.pictures import shows_a_picture
from interview_app.reading.pdf.tags import marked_order
from interview_app.reading.reading import Refused
from interview_app.resume_limits import (
    MAX_CHARACTERS,
    MAX_PAGES,
    PASSWORD,
    TOO_MANY_PAGES,
    UNREADABLE,
)


class Page:
    """What the layout of one page is worked out from."""

    def __init__(
        self, glyphs: list[Glyph], order: dict[int, tuple[int, int]], *, is_picture: bool
    ) -> None:
        self.glyphs = glyphs
        self.order = order
        """By the number of a marked content: its block, and its place in the structure tree."""
        self.is_picture = is_picture


class Document:
    def __init__(self, data: bytes) -> None:
        pdfium.FPDF_InitLibrary()
        self._data = data  # pdfium reads it for as long as the document is open
        self._handle = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
        if not self._handle:
            locked = pdfium.FPDF_GetLastError() == pdfium.FPDF_ERR_PASSWORD
            raise Refused(PASSWORD if locked else UNREADABLE)
        self._form = self._opened_form()
        self._tagged = bool(pdfium.FPDFCatalog_IsTagged(self._handle))

    def __enter__(self) -> Document:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._form:
            pdfium.FPDFDOC_ExitFormFillEnvironment(self._form)
        pdfium.FPDF_CloseDocument(self._handle)

    def _opened_form(self) -> Any:
        if pdfium.FPDF_GetFormType(self._handle) == pdfium.FORMTYPE_NONE:
            return None
        self._callbacks = pdfium.FPDF_FORMFILLINFO(version=2)  # none; kept as long as the form
        return pdfium.FPDFDOC_InitFormFillEnvironment(self._handle, self._callbacks)

    def pages(self) -> Iterator[Page]:
        """Raises Refused where there are more than anybody's résumé has."""
        count = pdfium.FPDF_GetPageCount(self._handle)
        if count > MAX_PAGES:
            raise Refused(TOO_MANY_PAGES)
        room = MAX_CHARACTERS
        for number in range(count):
            if page := self._page(number, room):
                room -= len(page.glyphs)
                yield page

    def _page(self, number: int, room: int) -> Page | None:
        handle = pdfium.FPDF_LoadPage(self._handle, number)
        if not handle:
            return None  # a damaged page; the others may be sound
        try:
            text = pdfium.FPDFText_LoadPage(handle)
            glyphs = glyphs_of(text, room) if text else []
            glyphs += noted_glyphs(handle, self._form)
            order = marked_order(handle) if self._tagged else {}
            if text:
                pdfium.FPDFText_ClosePage(text)
            return Page(glyphs, order, is_picture=shows_a_picture(handle))
        finally:
            pdfium.FPDF_ClosePage(handle)

    def attachments(self) -> Iterator[tuple[str, bytes]]:
        for number in range(min(pdfium.FPDFDoc_GetAttachmentCount(self._handle), 20)):
            attachment = pdfium.FPDFDoc_GetAttachment(self._handle, number)
            yield wide_string(pdfium.FPDFAttachment_GetName, attachment), _content(attachment)


def _content(attachment: object) -> bytes:
    needed = ctypes.c_ulong()
    pdfium.FPDFAttachment_GetFile(attachment, None, 0, needed)
    if not 0 < needed.value <= 5 * 1024 * 1024:
        return b""
    buffer = ctypes.create_string_buffer(needed.value)
    pdfium.FPDFAttachment_GetFile(attachment, buffer, needed.value, needed)
    return buffer.raw

"""The text of a résumé file. PDF and Word files are parsed in a process of their own, with limits.

Nothing of the file is kept, and no sentence of the parser reaches a person or a log.
"""

from __future__ import annotations

import codecs
import re
from pathlib import PurePath

from django.utils.translation import gettext_lazy as _

from interview_app.refusals import FileTooLarge, UnreadableFile, UnsupportedFileType
from interview_app.resume_limits import MAX_FILE_BYTES, NO_TEXT, TOO_LARGE
from interview_app.resume_pool import PARSERS

MAGIC = {"pdf": b"%PDF-", "docx": b"PK\x03\x04"}
# Readers accept junk before a PDF's header within this many bytes (ISO 32000, annex H).
PDF_HEADER_WITHIN = 1024
UTF16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")

PICTURE_ONLY = _(
    "No text can be found in this file; it may hold only a picture of your résumé. Please paste the"
    " text instead."
)
NOT_WHAT_IT_CLAIMS = _(
    "This file is not what its name says, or it is damaged. Please save it again or paste the text."
)
EMPTY = _("This file is empty. Please choose another one or paste the text.")


def read_resume(name: str, data: bytes) -> tuple[str, str]:
    """The file's text and its kind (txt, pdf or docx).

    Raises UnsupportedFileType, FileTooLarge, UnreadableFile, ParserBusy.
    """
    kind = PurePath(name).suffix.lower().removeprefix(".")
    if kind not in ("txt", "pdf", "docx"):
        raise UnsupportedFileType
    if len(data) > MAX_FILE_BYTES:
        raise FileTooLarge
    if not data:
        raise UnreadableFile(EMPTY)
    return (_decoded(data) if kind == "txt" else _parsed(kind, data)), kind


def _decoded(data: bytes) -> str:
    if data.startswith(UTF16_BOMS):
        text = _decoded_as("utf-16", data)
    elif b"\x00" in data:
        raise UnreadableFile(NOT_WHAT_IT_CLAIMS)
    else:
        text = _utf8_or_windows(data)
    if len(CONTROL.findall(text)) > len(text) // 100:
        raise UnreadableFile(NOT_WHAT_IT_CLAIMS)
    return _readable(text)


def _decoded_as(encoding: str, data: bytes) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise UnreadableFile(NOT_WHAT_IT_CLAIMS) from None


def _utf8_or_windows(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _decoded_as("cp1252", data)


def _parsed(kind: str, data: bytes) -> str:
    if MAGIC[kind] not in data[: PDF_HEADER_WITHIN if kind == "pdf" else len(MAGIC[kind])]:
        raise UnreadableFile(NOT_WHAT_IT_CLAIMS)
    answer = PARSERS.answer(kind, data)
    refused = answer.get("refused")
    if refused == TOO_LARGE:
        raise FileTooLarge
    if refused == NO_TEXT:
        raise UnreadableFile(PICTURE_ONLY)
    if refused:
        raise UnreadableFile(NOT_WHAT_IT_CLAIMS)
    text = _readable(answer["text"])
    if not any(character.isalpha() for character in text):
        raise UnreadableFile(PICTURE_ONLY)
    return text


def _readable(text: str) -> str:
    """Storable, with one kind of line end; broken fonts leave NULs and half characters behind."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    storable = unified.encode("utf-8", "ignore").decode("utf-8")
    kept = CONTROL.sub("", storable).strip()
    if not kept:
        raise UnreadableFile(EMPTY)
    return kept

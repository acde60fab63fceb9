"""Which reader takes a file: by its ending, or by how it begins where it has none."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import PurePath

from interview_app.refusals import UnreadableFile, UnsupportedFileType
from interview_app.resume_limits import PASSWORD
from interview_app.resume_texts import NOT_WHAT_IT_CLAIMS, REFUSED, UNSUPPORTED

# Readers accept junk before a PDF's header within this many bytes (ISO 32000, annex H).
PDF_HEADER_WITHIN = 1024
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# How Office marks a file that it has encrypted, within the first sectors.
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
ENDING = re.compile(r"[a-z][a-z0-9]{0,9}")


@dataclass(frozen=True)
class Kind:
    source: str
    """What `Resume.source` says."""
    reader: str
    """A module of `interview_app.reading`."""


TXT, PDF, DOCX = Kind("txt", "txt"), Kind("pdf", "pdf"), Kind("docx", "docx")
ODT, RTF, HTM = Kind("odt", "odt"), Kind("rtf", "rtf"), Kind("html", "html")
MD, JSON, XML = Kind("md", "md"), Kind("json", "json_resume"), Kind("xml", "europass")

BY_ENDING = {
    **dict.fromkeys(("txt", "text"), TXT),
    **dict.fromkeys(("md", "markdown"), MD),
    **dict.fromkeys(("docx", "docm", "dotx", "dotm"), DOCX),
    **dict.fromkeys(("odt", "ott"), ODT),
    **dict.fromkeys(("htm", "html", "xhtml"), HTM),
    "pdf": PDF,
    "rtf": RTF,
    "json": JSON,
    "xml": XML,
}
OFFERED = ".txt,.md,.pdf,.docx,.odt,.rtf,.html,.json,.xml"
"""For the field's `accept`: what a person is likely to have."""


def kind_of(name: str, data: bytes) -> Kind:
    """Raises UnsupportedFileType, or UnreadableFile where the ending and the content differ."""
    ending = PurePath(name).suffix.lower().removeprefix(".")
    if ending in ("doc", "dot"):
        return _old_word(data)
    if kind := BY_ENDING.get(ending):
        _refuse_what_differs(kind, data)
        return kind
    if ENDING.fullmatch(ending):
        raise UnsupportedFileType(UNSUPPORTED.get(ending))
    return _by_beginning(data)


def _old_word(data: bytes) -> Kind:
    """Many programs call RTF, web pages or today's Word files `.doc`."""
    if data.startswith(OLE):
        raise UnsupportedFileType(UNSUPPORTED["doc"])
    try:
        return _by_beginning(data)
    except UnsupportedFileType:
        raise UnsupportedFileType(UNSUPPORTED["doc"]) from None


def _refuse_what_differs(kind: Kind, data: bytes) -> None:
    if kind in (DOCX, ODT) and data.startswith(OLE):
        locked = ENCRYPTED in data[: 1024 * 1024]
        raise UnreadableFile(REFUSED[PASSWORD] if locked else UNSUPPORTED["doc"])
    begins = {
        PDF: b"%PDF-" in data[:PDF_HEADER_WITHIN],
        DOCX: data.startswith(ZIP),
        ODT: data.startswith(ZIP),
        RTF: data.lstrip().startswith(b"{\\rtf"),
    }
    if not begins.get(kind, True):
        raise UnreadableFile(NOT_WHAT_IT_CLAIMS)


def _by_beginning(data: bytes) -> Kind:
    start = data[:PDF_HEADER_WITHIN].lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"%PDF-" in data[:PDF_HEADER_WITHIN]:
        return PDF
    if data.startswith(ZIP):
        return ODT if b"opendocument" in data[:200] else DOCX
    if start.startswith(b"{\\rtf"):
        return RTF
    if HTML.match(start):
        return HTM
    if start.startswith(b"<?xml") and b"uropass" in data[:4096]:
        return XML
    if start.startswith(b"{") and b'"basics"' in data:
        return JSON
    if not _is_text(data[:PDF_HEADER_WITHIN]):
        raise UnsupportedFileType
    return TXT


def _is_text(start: bytes) -> bool:
    """Marked UTF-16, or UTF-8 without control characters. Any bytes at all would do for others."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return not any(character < " " and character not in "\t\n\r\f" for character in text)

"""The text of a résumé file. Files are parsed in a process of their own, with limits.

Nothing of the file is kept, and no sentence of the parser reaches a person or a log.
"""

from __future__ import annotations

from dataclasses import dataclass

from interview_app.outline.entry import Row
from interview_app.reading.gate import passed
from interview_app.reading.reading import Reading, Refused
from interview_app.refusals import FileTooLarge, TooManyPages, UnreadableFile
from interview_app.resume_kinds import TXT, kind_of
from interview_app.resume_limits import MAX_FILE_BYTES, TOO_LARGE, TOO_MANY_PAGES
from interview_app.resume_pool import PARSERS, Answer
from interview_app.resume_texts import EMPTY, REFUSED, UNPACKED_TOO_LARGE


@dataclass(frozen=True)
class ReadFile:
    text: str
    source: str
    """The kind: txt, pdf, docx …"""
    warnings: tuple[str, ...] = ()
    """Codes of what was seen; `resume_texts` has a sentence for each."""
    entries: list[Row] | None = None
    """Rows of `outline.entry` where the file gives them itself: JSON Resume and Europass."""


def read_resume(name: str, data: bytes) -> ReadFile:
    """Raises UnsupportedFileType, FileTooLarge, TooManyPages, UnreadableFile, ParserBusy."""
    if len(data) > MAX_FILE_BYTES:
        raise FileTooLarge
    if not data.strip():
        raise UnreadableFile(EMPTY)
    kind = kind_of(name, data)
    answer = _plain(data) if kind is TXT else None
    if answer is None:
        answer = PARSERS.answer(kind.reader, data)
    if refused := answer.get("refused"):
        raise _refusal(refused)
    return ReadFile(answer["text"], kind.source, tuple(answer["warnings"]), answer.get("entries"))


def text_warnings(text: str) -> list[str]:
    """What is odd about a text that a person pasted; empty where nothing is."""
    try:
        return passed(Reading(text)).warnings
    except Refused as refusal:
        return [str(refusal)]


def _plain(data: bytes) -> Answer | None:
    """Text in UTF-8 needs no parser: nothing in it can be hostile. None for any other."""
    try:
        reading = passed(Reading(data.decode("utf-8-sig")))
    except UnicodeDecodeError:
        return None
    except Refused as refusal:
        return {"refused": str(refusal)}
    return {"text": reading.text, "warnings": reading.warnings}


def _refusal(code: str) -> FileTooLarge | TooManyPages | UnreadableFile:
    if code == TOO_LARGE:
        return FileTooLarge(UNPACKED_TOO_LARGE)
    if code == TOO_MANY_PAGES:
        return TooManyPages()
    return UnreadableFile(REFUSED[code])

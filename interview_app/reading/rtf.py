"""Rich text, as WordPad, TextEdit and older programs save it."""

from __future__ import annotations

from striprtf.striprtf import rtf_to_text

from interview_app.reading.reading import Reading, Refused
from interview_app.resume_limits import UNREADABLE


def read(data: bytes) -> Reading:
    if not data.lstrip().startswith(b"{\\rtf"):
        raise Refused(UNREADABLE)
    text: str = rtf_to_text(data.decode("latin-1"), errors="ignore")  # type: ignore[no-untyped-call]
    return Reading(text)

"""The last look at a text before it is taken: cleaned, refused, or taken with remarks."""

from __future__ import annotations

import re

from interview_app.reading.cleaning import cleaned
from interview_app.reading.quality import garbled_share, is_garbled, problems
from interview_app.reading.reading import Reading, Refused
from interview_app.resume_limits import (
    CUT_OFF,
    GARBLED,
    LINK_ONLY,
    MAX_CHARACTERS,
    NO_TEXT,
)

MOST = 0.5  # of a text, which then is worth no correction
LONGEST_LINK = 2_000
LINK = re.compile(
    r"(?:https?://|www\.)\S+|(?<![\w.-])[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}\.[a-z]{2,10}/\S*",
    re.IGNORECASE,
)


def passed(reading: Reading) -> Reading:
    """Raises Refused where there is no text, no readable one, or a link alone."""
    cut = len(reading.text) > MAX_CHARACTERS
    text, guesses = cleaned(reading.text[:MAX_CHARACTERS])
    if not any(character.isalnum() for character in text):
        raise Refused(NO_TEXT)
    if is_link(text):
        raise Refused(LINK_ONLY)
    seen = problems(text)
    if is_garbled(text) or garbled_share(text) > MOST:
        raise Refused(GARBLED)
    codes = [*reading.warnings, *seen, *guesses, *([CUT_OFF] if cut else [])]
    return Reading(text, list(dict.fromkeys(codes)), reading.entries)


def is_link(text: str) -> bool:
    """An address, and at most a word or two beside it."""
    if len(text) > LONGEST_LINK:
        return False
    rest, links = LINK.subn(" ", text)
    return links > 0 and len(rest.split()) < 4

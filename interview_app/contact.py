"""Takes the contact data out of a résumé before it is sent: no interviewer needs it."""

from __future__ import annotations

import re

# Bounded everywhere: a résumé of one endless word must not take seconds.
EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
# Numbers that begin with +, 00 or 0, and the North American form. Not: years, amounts, dates.
PHONE = re.compile(
    r"(?<![\w.,])(?<!19\d\d-)(?<!20\d\d-)(?:\+\d|00\d|0\d)[\d ()/.\-]{5,25}\d(?!\w)"
    r"|(?<!\w)\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?!\w)"
)
DATE_IN_NUMBER = re.compile(r"(?<!\d)\d{1,2}[/.](?:19|20)\d\d(?!\d)")
LABEL = re.compile(
    r"\b(?:e-?mail|phone|telephone|telefon|tel|fon|mobile|mobil|handy|cell)\b\.?\s{0,3}:?\s{0,3}"
    r"(?=$|[|,;·•/])",
    re.IGNORECASE,
)
ORPHANED_SEPARATORS = re.compile(r" ?(?:[|·•;,/] ?){2,}")


def without_contact_data(text: str) -> str:
    """`text` without e-mail addresses and phone numbers; a line that held nothing else goes."""
    lines = (_without_contact_data(line) for line in text.splitlines())
    return "\n".join(line for line in lines if line is not None)


def _without_contact_data(line: str) -> str | None:
    stripped = PHONE.sub(_drop_unless_date, EMAIL.sub("", line))
    if stripped == line:
        return line
    stripped = ORPHANED_SEPARATORS.sub(" | ", LABEL.sub("", stripped)).strip(" |·•;,/\t")
    return stripped if re.search(r"\w", stripped) else None


def _drop_unless_date(match: re.Match[str]) -> str:
    return match.group() if DATE_IN_NUMBER.search(match.group()) else ""

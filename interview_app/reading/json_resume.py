"""A `resume.json` after jsonresume.org: sections in their usual order, entries with their dates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from interview_app.outline.entry import Entry, as_rows
from interview_app.reading.html import html_text
from interview_app.reading.reading import Reading, Refused
from interview_app.reading.txt import decoded
from interview_app.resume_limits import OTHER_PACKAGE, UNREADABLE

SECTIONS = (
    "work", "volunteer", "projects", "education", "skills", "languages", "certificates", "awards",
    "publications", "interests", "references",
)  # fmt: skip
# What stands in an entry's first line, in this order; dates follow.
HEAD = (
    "position", "studyType", "area", "title", "name", "company", "organization", "institution",
    "language", "fluency", "level", "entity", "awarder", "publisher", "issuer", "location",
)  # fmt: skip
# Section here: that of an entry, and where its title and its employer stand.
OUTLINED = {
    "work": ("experience", ("position",), ("name", "company")),
    "volunteer": ("volunteering", ("position",), ("organization",)),
    "projects": ("projects", ("name",), ("entity",)),
    "education": ("education", ("studyType", "area"), ("institution",)),
    "skills": ("skills", ("name", "keywords"), ()),
}
DATES = ("startDate", "endDate", "date", "releaseDate")
IMAGES = ("image", "picture", "id")
UNSAID = frozenset((*HEAD, *DATES, *IMAGES, "$schema", "meta"))


def read(data: bytes) -> Reading:
    try:
        resume = json.loads(decoded(data)[0])
    except (ValueError, RecursionError):
        raise Refused(UNREADABLE) from None
    if not isinstance(resume, dict) or not any(key in resume for key in ("basics", *SECTIONS)):
        raise Refused(OTHER_PACKAGE)
    return Reading("\n".join(_lines(resume)), entries=as_rows(_entries(resume)))


def _entries(resume: dict[str, Any]) -> Iterator[Entry]:
    for key, (section, titles, employers) in OUTLINED.items():
        entries = resume.get(key)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                dates = " – ".join(text for name in DATES for text in _texts(entry.get(name)))
                yield Entry(
                    section,
                    ", ".join(text for name in titles for text in _texts(entry.get(name))),
                    next((text for name in employers for text in _texts(entry.get(name))), ""),
                    f"{dates} –" if entry.get("startDate") and not entry.get("endDate") else dates,
                )


def _lines(resume: dict[str, Any]) -> Iterator[str]:
    basics = resume.get("basics")
    if isinstance(basics, dict):
        yield from (text for key in ("name", "label") for text in _texts(basics.get(key)))
        others = [value for key, value in basics.items() if key not in ("name", "label", *IMAGES)]
        yield from (", ".join(_texts(value)) for value in others)
    known = [key for key in SECTIONS if key in resume]
    for section in [*known, *(key for key in resume if key not in ("basics", *UNSAID, *known))]:
        entries = resume[section] if isinstance(resume[section], list) else [resume[section]]
        yield from ("", section.capitalize())
        for entry in entries:
            yield from _entry(entry) if isinstance(entry, dict) else _texts(entry)


def _entry(entry: dict[str, Any]) -> Iterator[str]:
    head = [text for key in HEAD for text in _texts(entry.get(key))]
    dates = " – ".join(text for key in DATES for text in _texts(entry.get(key)))
    yield "  ".join(filter(None, (", ".join(head), dates)))
    yield from _rest(entry, "• ")


def _rest(entry: dict[str, Any], mark: str) -> Iterator[str]:
    for key, value in entry.items():
        if key in UNSAID:
            continue
        if key in ("keywords", "roles", "courses"):
            yield ", ".join(_texts(value))
        elif isinstance(value, list):
            yield from (f"{mark}{text}" for text in _texts(value))
        else:
            yield ", ".join(_texts(value))


def _texts(value: Any) -> Iterator[str]:
    """Every text in it, however it is nested; `json` has bounded the depth."""
    if isinstance(value, str) and value.strip():
        yield html_text(value).strip() if "</" in value else value.strip()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key not in IMAGES:
                yield from _texts(each)

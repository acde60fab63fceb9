"""One entry of a résumé: a job, a course of studies, a project, a group of skills."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from interview_app.outline.dates import recency

SECTIONS = ("experience", "projects", "volunteering", "education", "skills")
FIELDS = ("title", "employer", "dates")
MAX_ENTRIES = 60
FIELD_MAX_LENGTH = 200


Row = Mapping[str, str]
"""An entry in JSON: `section` and FIELDS."""


@dataclass(frozen=True)
class Entry:
    section: str
    """One of SECTIONS."""
    title: str = ""
    """The position, the degree or subject, the project's name, or the skills as they stand."""
    employer: str = ""
    """Or school, or club."""
    dates: str = ""
    """As they stand in the text."""


def as_rows(entries: Iterable[Entry]) -> list[dict[str, str]]:
    """For JSON: those that say something, shortened to what can be kept."""
    rows = []
    for entry in entries:
        fields = {name: _shortened(getattr(entry, name)) for name in FIELDS}
        if any(fields.values()):
            rows.append({"section": entry.section, **fields})
    return rows[:MAX_ENTRIES]


def _shortened(text: str) -> str:
    return " ".join(text.split())[:FIELD_MAX_LENGTH].strip()


def recent_first(rows: Iterable[Row]) -> list[Row]:
    """By section, in each the newest first; what has no date keeps its order behind them."""
    return sorted(
        rows, key=lambda row: (SECTIONS.index(row["section"]), *recency(row.get("dates", "")))
    )

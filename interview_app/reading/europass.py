"""Europass XML: the older SkillsPassport, and the Candidate of today's europass.eu."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lxml import etree

from interview_app.outline.entry import Entry, as_rows
from interview_app.reading.html import html_text
from interview_app.reading.package import attribute, local_name, parsed_xml
from interview_app.reading.reading import Reading, Refused
from interview_app.resume_limits import OTHER_PACKAGE

ROOTS = ("SkillsPassport", "LearnerInfo", "Candidate")
# Pictures and attachments in base64, numbers of the scheme, settings of the printed page.
UNSEEN = frozenset(
    (
        "DocumentInfo", "PrintingPreferences", "Data", "TempURI", "EmbeddedData", "ISOCode", "Code",
        "ID", "DocumentID", "Attachment", "AttachmentList", "Photo", "Signature",
        "RenderingInformation", "HiringOrganizationID", "CandidateSupplier",
    )
)  # fmt: skip
# Begin an entry: a blank line before it.
ENTRIES = frozenset(
    ("WorkExperience", "Education", "EmployerHistory", "EducationOrganizationAttendance", "Skills",
     "LinguisticSkills", "ForeignLanguage", "PersonCompetency", "Achievement", "PositionHistory")
)  # fmt: skip
# Section, names of what holds the title, and of what holds the employer: both forms of the format.
OUTLINED = {
    "WorkExperience": ("experience", ("Position",), ("Name",)),
    "EmployerHistory": ("experience", ("PositionTitle",), ("OrganizationName",)),
    "Education": ("education", ("Title",), ("Name",)),
    "EducationOrganizationAttendance": (
        "education",
        ("DegreeName", "ProgramName"),
        ("OrganizationName", "School"),
    ),
}
CODE = re.compile(r"[a-z]{1,3}|[a-z]{2}[-_][A-Za-z]{2}|https?://data\.europa\.eu/\S+|[\w-]{30,}")


def read(data: bytes) -> Reading:
    root = parsed_xml(data)
    if local_name(root) not in ROOTS:
        raise Refused(OTHER_PACKAGE)
    return Reading("\n".join(_lines(root)), entries=as_rows(_entries(root)))


def _entries(root: etree._Element) -> Iterator[Entry]:
    for node in root.iter():
        if fields := OUTLINED.get(local_name(node)):
            section, titles, employers = fields
            yield Entry(section, _first(node, titles), _first(node, employers), _period(node))


def _first(node: etree._Element, names: Sequence[str]) -> str:
    """The text of the first descendant with the first of these names that has one."""
    for name in names:
        for found in node.iter():
            text = " ".join("".join(found.itertext()).split()) if local_name(found) == name else ""
            if text:
                return text
    return ""


def _period(node: etree._Element) -> str:
    period = next((each for each in node.iter() if "Period" in local_name(each)), None)
    return "" if period is None else " – ".join(filter(None, map(_date, period)))


def is_europass(data: bytes) -> bool:
    head = data[:4000]
    return b"europass" in head.lower() and any(name.encode() in head for name in ROOTS)


def _lines(node: etree._Element) -> Iterator[str]:
    name = local_name(node)
    if not name or name in UNSEEN:
        return
    if name in ENTRIES:
        yield ""
    if "Period" in name:
        yield " – ".join(filter(None, (_date(each) for each in node)))
        return
    text = (node.text or "").strip()
    if text and not CODE.fullmatch(text):
        yield html_text(text).strip() if "<" in text else text
    for child in node:
        yield from _lines(child)


def _date(node: etree._Element) -> str:
    if local_name(node) in ("CurrentIndicator", "Current"):
        return "now" if (node.text or "").strip() == "true" else ""
    parts = [attribute(node, name) for name in ("year", "month", "day")]
    written = "-".join(part.strip("-").zfill(2) for part in parts if part)
    return written or " ".join("".join(str(each) for each in node.itertext()).split())

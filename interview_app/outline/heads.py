"""Where entries begin: lines with a span of time that are no sentences, and what stands nearby."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interview_app.outline.dates import DASH, DATE, NOW, ONE_DATE, SPAN
from interview_app.outline.words import schoolness, titleness

BULLET = re.compile(r"[•‣▪◦●○■*·–—-] ?(?=\S)|o (?=\S)|\d{1,2}[.)] ")
APART = re.compile(r"(?<! ) {2,}+(?![a-zß-ü])| ?[|•·∙] ?| [–—-] | (?:at|bei|@) (?=[^\Wa-zß-ü_])")
COMMA = re.compile(r", {2,}+")
EDGES = " \t,;:|•·∙–—-()[]/"
NO_HEAD = re.compile(r"\w@\w|[.!?]$")
LEGAL_FORM = re.compile(r"(?:GmbH|AG|KG|Ltd|Inc|LLC|Limited|e\. ?V|mbH)\b\.?(?!\w)")
HANGS = re.compile(r"[^.!?] (?:of|for|and|the|to|für|und|von|der|des|&)$")
YEAR_ALONE = re.compile(r"(?:\d\d/)?(?:19|20)\d\d")
OPEN_SPAN = re.compile(rf"(?<!\w){DATE}{DASH}(?=$| {{2}}|\b)", re.IGNORECASE)
ITS_END = re.compile(rf"(?:{DATE}|{NOW})(?=$| {{2}})", re.IGNORECASE)
DURATION = re.compile(
    r"[(·•,]? ?\d{1,2}\+? (?:years?|yrs?|months?|mos?|Jahre?n?|Monate?n?)\b\.?,?\)?", re.IGNORECASE
)
MOST_WORDS = 12
MOST_WORDS_LEFT = 2
LONGEST_LINE = 200
REACH = 3
DATED_SECTIONS = ("experience", "projects", "volunteering", "education")
ONE_DATE_WILL_DO = ("education", "projects")

Place = tuple[int, int]
"""Lines from the one with the dates, and the piece of that line."""


@dataclass(frozen=True)
class Head:
    section: str
    dates: str
    pieces: dict[Place, str]


def heads_of(section: str | None, lines: Sequence[str]) -> Iterator[Head]:
    """Of one section, or of the part before the first heading (None), from the top."""
    lines = _mended(lines)
    spans = section not in ONE_DATE_WILL_DO or any(map(SPAN.search, lines))
    dated = {
        at: found for at, line in enumerate(lines) if (found := _dates(line, spans_only=spans))
    }
    for at, (dates, rest) in dated.items():
        if at and at - 1 not in dated and _goes_on(lines[at - 1], rest):
            lines[at - 1], rest = "", f"{lines[at - 1]} {rest}"
        pieces = {(0, number): piece for number, piece in enumerate(pieces_of(rest))}
        for step in (-1, 1):
            for away in range(step, (REACH + 1) * step, step):
                near = at + away
                if not 0 <= near < len(lines) or near in dated or not is_short(lines[near]):
                    break
                pieces |= {(away, nr): piece for nr, piece in enumerate(pieces_of(lines[near]))}
        if kind := _kind(section, list(pieces.values())):
            yield Head(kind, dates, pieces)


def _mended(lines: Sequence[str]) -> list[str]:
    """Joins what was parted: a name and its legal form, words after "of" and their like, the ends
    of a span, and the two years that stand round a line."""
    mended: list[str] = []
    for line in lines:
        before = mended[-1] if mended else ""
        # Joined lines stay short: none of a text of such lines alone grows without end.
        hangs = 0 < len(before) < LONGEST_LINE and HANGS.search(before)
        if hangs or (0 < len(before) < LONGEST_LINE and LEGAL_FORM.match(line)):
            mended[-1] += f" {line}"
        elif (end := ITS_END.match(line)) and (joined := _joined_span(before, end.group())):
            rest = line[end.end() :].strip()
            mended[-1:] = [joined, rest] if rest else [joined]
        elif len(mended) > 1 and YEAR_ALONE.fullmatch(line) and YEAR_ALONE.fullmatch(mended[-2]):
            mended[-2:] = [f"{before}  {mended[-2]} – {line}"]
        else:
            mended.append(line)
    return mended


def _joined_span(line: str, end: str) -> str:
    """The line with this end of its span; empty where it has no open one."""
    begun = OPEN_SPAN.search(line)
    if not begun or ((found := SPAN.search(line)) and found.end() > begun.end()):
        return ""
    return f"{line[: begun.end()].rstrip()} {end}  {line[begun.end() :]}".strip()


def _goes_on(line: str, rest: str) -> bool:
    """Whether the name at the end of the line was too long for it."""
    return (
        0 < len(rest.split()) <= MOST_WORDS_LEFT
        and ", " in line
        and is_short(line)
        and len(pieces_of(rest)) == 1
        and ", " not in rest
        and titleness(rest, "experience") <= 0
    )


def _dates(line: str, *, spans_only: bool) -> tuple[str, str] | None:
    """The dates of a line that is no sentence, and what stands beside them."""
    found = SPAN.search(line) or (None if spans_only else ONE_DATE.search(line))
    if not found or BULLET.match(line):
        return None
    after = DURATION.sub("", line[found.end() :])
    rest = f"{line[: found.start()].rstrip(EDGES)}  {after.lstrip(EDGES)}".strip(EDGES)
    if len(rest.split()) > MOST_WORDS or rest.endswith((".", "!")):
        return None
    return found.group().strip(), rest


def pieces_of(line: str) -> list[str]:
    pieces: list[str] = []
    for part in APART.split(COMMA.sub(", ", line)):
        # A wide blank after one word, of a justified line, parts nothing.
        if pieces and ", " in part and " " not in pieces[-1]:
            pieces[-1] += f" {part.strip(EDGES)}"
        elif piece := part.strip(EDGES):
            pieces.append(piece)
    return pieces


def is_short(line: str) -> bool:
    """Whether it may be a part of a head: no bullet, no sentence, not the end of one."""
    return (
        line != ""
        and not BULLET.match(line)
        and not NO_HEAD.search(line)
        and len(line.split()) <= MOST_WORDS
        and (not line[0].islower() or line.startswith("in "))
    )


def _kind(section: str | None, pieces: list[str]) -> str | None:
    """The section it belongs to: where columns were read in turn, its words know better."""
    is_job = any(titleness(piece, "experience") > 0 for piece in pieces)
    is_school = any(map(schoolness, pieces))
    if section in ("experience", "education", None) and is_job != is_school:
        return "experience" if is_job else "education"
    if section in DATED_SECTIONS:
        return section
    if is_job or is_school:
        return "education" if is_school else "experience"
    return "experience" if section is None and pieces else None

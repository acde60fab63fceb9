"""Finds the entries of a résumé: where a span of time stands, the lines around it are a head.

Heads of one section are written alike. So no line is judged alone: a place beside the dates (the
line before, the second piece of the same line …) is part of the heads if nearly all entries have
something short there, and it holds the titles if the words there speak for titles most.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest

from interview_app.outline.entry import MAX_ENTRIES, SECTIONS, Entry
from interview_app.outline.headings import sections
from interview_app.outline.heads import (
    BULLET,
    EDGES,
    NO_HEAD,
    Head,
    Place,
    heads_of,
    is_short,
    pieces_of,
)
from interview_app.outline.words import (
    BEFORE_A_SUBJECT,
    after_title,
    employerness,
    schoolness,
    titleness,
)

NEARLY_ALL = 0.75
MOST = 0.6
MOST_WORDS_OF_A_DEGREE = 3
MOST_LINES = 4_000
MOST_SKILLS = 20
MOST_WORDS_OF_A_SKILL = 15
COMMA = ", "
BY_POSITION = ("experience", "volunteering")
NUMBER = re.compile(r"\d{1,2}[.)] ")


def entries_of(text: str) -> list[Entry]:
    """At most MAX_ENTRIES, by section in the order of the text; empty where no rule fits."""
    parts = list(sections("\n".join(text.splitlines()[:MOST_LINES])))
    heads = [head for section, lines in parts for head in heads_of(section, lines)]
    if not any(head.section == "experience" for head in heads):
        heads += [head for _section, lines in parts for head in _undated(lines)]
    found: list[Entry] = []
    for section in SECTIONS:
        found += _entries([head for head in heads if head.section == section])
    skills = [line for section, lines in parts if section == "skills" for line in lines]
    return [*found, *_skills(skills)][:MAX_ENTRIES]


def _entries(heads: Sequence[Head]) -> Iterator[Entry]:
    """Of one section."""
    if not heads:
        return
    heads = _drawn_level(heads)
    places = _places(heads)
    titles = _place_of_titles(heads, places)
    others = [place for place in places if place != titles]
    employers = _place_of_employers(heads, others, titles)
    if titles and _are_in_one_piece(heads, titles, employers):
        yield from _parted_at_commas(heads, titles)
        return
    subjects = _place_of_subjects(heads, others, titles, employers)
    for head in heads:
        title = _at(head, titles) or _spoken(head, partial(titleness, section=head.section))
        employer = _at(head, employers) or (
            _spoken(head, partial(employerness, section=head.section)) if employers else ""
        )
        if subject := _at(head, subjects):
            title = COMMA.join(filter(None, (title, subject)))
        if title or employer:
            title = title.removeprefix(BEFORE_A_SUBJECT)
            if not employers and head.section in BY_POSITION:
                title, employer = after_title(title)
            yield Entry(head.section, title, employer if employer != title else "", head.dates)


def _at(head: Head, place: Place | None) -> str:
    return head.pieces.get(place, "") if place else ""


def _spoken(head: Head, speaks: Callable[[str], int]) -> str:
    """For one that is written unlike the others."""
    best = max(head.pieces.values(), key=speaks, default="")
    return best if best and speaks(best) > 0 else ""


def _drawn_level(heads: Sequence[Head]) -> Sequence[Head]:
    """Where some dates stand in the line of a name, a line with dates alone goes to one beside."""
    alone = [head for head in heads if (0, 0) not in head.pieces]
    if len(alone) == len(heads):
        return heads
    return [replace(head, pieces=_shifted(head)) if head in alone else head for head in heads]


def _shifted(head: Head) -> dict[Place, str]:
    def weight(side: int) -> int:
        return sum(
            max(titleness(piece, head.section), employerness(piece, head.section), 0)
            for (away, _number), piece in head.pieces.items()
            if away * side > 0
        )

    side = 1 if weight(1) > weight(-1) or (-1, 0) not in head.pieces else -1
    return {
        (away - side if away * side > 0 else away, number): piece
        for (away, number), piece in head.pieces.items()
    }


def _place_of_subjects(
    heads: Sequence[Head], others: Sequence[Place], titles: Place | None, employers: Place | None
) -> Place | None:
    """In education: beside a degree by itself stands its subject."""
    if heads[0].section != "education" or titles is None:
        return None
    if any(len(_at(head, titles).split()) > MOST_WORDS_OF_A_DEGREE for head in heads):
        return None
    beside = [place for place in others if place != employers and abs(place[0] - titles[0]) <= 1]
    return beside[0] if beside else None


def _places(heads: Sequence[Head]) -> list[Place]:
    """Those that nearly all entries have, the first one among them, nearest to the dates first."""
    seen = {place for head in heads for place in head.pieces}
    # No end of another entry can stand in the line of the dates.
    most = [
        place
        for place in seen
        if sum(place in head.pieces for head in heads)
        >= (MOST if place[0] == 0 else NEARLY_ALL) * len(heads)
        and (place[0] == 0 or place in heads[0].pieces)
    ]
    return sorted(most, key=lambda place: (abs(place[0]), place))


def _place_of_titles(heads: Sequence[Head], places: Sequence[Place]) -> Place | None:
    def speaks(place: Place) -> int:
        return sum(titleness(head.pieces.get(place, ""), head.section) for head in heads)

    return max(places, key=speaks, default=None)


def _place_of_employers(
    heads: Sequence[Head], places: Sequence[Place], titles: Place | None
) -> Place | None:
    """By their words; where those say nothing, what stands nearest to the titles."""
    if titles is None or heads[0].section == "projects":
        return None

    def speaks(place: Place) -> tuple[int, int]:
        return _employerness(heads, place), -abs(place[0] - titles[0])

    return max(places, key=speaks, default=None)


def _employerness(heads: Sequence[Head], place: Place) -> int:
    return sum(employerness(head.pieces.get(place, ""), head.section) for head in heads)


def _are_in_one_piece(heads: Sequence[Head], titles: Place, employers: Place | None) -> bool:
    """Whether titles and employers stand together, parted by commas."""
    if heads[0].section == "projects" or (employers and _employerness(heads, employers) > 0):
        return False
    with_comma = sum(COMMA in head.pieces.get(titles, "") for head in heads)
    return with_comma >= NEARLY_ALL * len(heads)


def _parted_at_commas(heads: Sequence[Head], place: Place) -> Iterator[Entry]:
    pieces = [head.pieces.get(place, "").split(COMMA) for head in heads]
    section = heads[0].section
    title_first = sum(
        titleness(parts[0], section) - titleness(parts[-1], section) for parts in pieces
    )
    for head, parts in zip(heads, pieces, strict=True):
        title, employer = _title_and_employer(parts, section, title_first >= 0)
        yield Entry(section, title, employer, head.dates)


def _title_and_employer(parts: list[str], section: str, title_first: bool) -> tuple[str, str]:
    if len(parts) == 1:
        return parts[0], ""
    ordered = parts if title_first else parts[::-1]
    # A town may follow the name; a name that says what it is shows where it stands.
    named = [at for at, part in enumerate(ordered) if at and employerness(part, section) > 0]
    at = named[0] if named else len(ordered) - 1
    title = ordered[:at] if title_first else ordered[:at][::-1]
    return COMMA.join(title), ordered[at]


def _undated(lines: Sequence[str]) -> Iterator[Head]:
    """Heads without dates: two pieces of which one is a position, with text or bullets below."""
    for line, below in zip_longest(lines, lines[1:], fillvalue=""):
        line = NUMBER.sub("", line, count=1)
        pieces = pieces_of(line)
        parts = [part for piece in pieces for part in piece.split(COMMA)]
        if len(parts) < 2 or not is_short(line):
            continue
        is_job = any(titleness(part, "experience") > 0 for part in parts)
        if is_job and below and not is_short(below):
            yield Head("experience", "", {(0, nr): piece for nr, piece in enumerate(pieces)})
        elif any(map(schoolness, parts)):
            yield Head("education", "", {(0, nr): piece for nr, piece in enumerate(pieces)})


def _skills(lines: Sequence[str]) -> Iterator[Entry]:
    for line in lines[:MOST_SKILLS]:
        skill = BULLET.sub("", line, count=1).strip(EDGES)
        if len(skill.split()) <= MOST_WORDS_OF_A_SKILL and not NO_HEAD.search(line):
            yield Entry("skills", title=skill)

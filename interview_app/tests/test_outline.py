"""Which entries the rules find in a résumé's text."""

from __future__ import annotations

import pytest

from interview_app.outline.dates import recency
from interview_app.outline.entry import MAX_ENTRIES, Entry, as_rows, recent_first
from interview_app.outline.rules import entries_of

LABELS = """
Ada Quill
Ledger engineer

Work experience
Ledger Engineer | Fjord Pay
Mar 2021 – Present
Owner of the ledger.
• Moved settlement to an append-only
Ledger
Software Developer | Tallyroo
08/2016 - 02/2021
• Wrote the route planner

Education
University of Oslo  2010 – 2012
Master in Computer Science

Skills
Python, SQL
"""
GERMAN = """
Jörg Weißenberger
BERUFSERFAHRUNG
Projektleiter, Elbtal Energietechnik GmbH  seit 2019
• Führte 22 Beschäftigte
Elektronikerin, Käfer & Söhne  2008 bis 2012
AUSBILDUNG
Elektronik, Berufsschule Löbau, 2001
KENNTNISSE
EPLAN, AutoCAD
"""
NO_DATES = """
Ada Quill
ada@example.org
Head of Nursing, Cardiology, Saint Brendan Hospital
Three wards with 96 beds.
• Cut unfilled night shifts
Staff Nurse, Mercy Clinic Cork
Emergency department.
"""


def experience(text: str) -> list[tuple[str, str, str]]:
    found = [entry for entry in entries_of(text) if entry.section == "experience"]
    return [(entry.title, entry.employer, entry.dates) for entry in found]


def test_heads_of_two_lines_are_found() -> None:
    assert entries_of(LABELS) == [
        Entry("experience", "Ledger Engineer", "Fjord Pay", "Mar 2021 – Present"),
        Entry("experience", "Software Developer", "Tallyroo", "08/2016 - 02/2021"),
        Entry("education", "Master in Computer Science", "University of Oslo", "2010 – 2012"),
        Entry("skills", "Python, SQL"),
    ]


def test_german_headings_and_heads_with_commas_are_found() -> None:
    assert entries_of(GERMAN) == [
        Entry("experience", "Projektleiter", "Elbtal Energietechnik GmbH", "seit 2019"),
        Entry("experience", "Elektronikerin", "Käfer & Söhne", "2008 bis 2012"),
        Entry("education", "Elektronik", "Berufsschule Löbau", "2001"),
        Entry("skills", "EPLAN, AutoCAD"),
    ]


def test_one_position_that_is_known_shows_where_all_stand() -> None:
    text = "Experience\nQuux, Engineer  2019 – 2020\n\nBlargh, Zorbing  2017 – 2018\n"

    assert experience(text) == [
        ("Engineer", "Quux", "2019 – 2020"),
        ("Zorbing", "Blargh", "2017 – 2018"),
    ]


def test_without_dates_a_position_and_text_below_make_an_entry() -> None:
    assert experience(NO_DATES) == [
        ("Head of Nursing, Cardiology", "Saint Brendan Hospital", ""),
        ("Staff Nurse", "Mercy Clinic Cork", ""),
    ]


@pytest.mark.parametrize(
    ("broken", "dates"),
    [
        ("Engineer, Fjord Pay 2019 –\nnow", "2019 – now"),
        ("2012 –  Engineer, Fjord Pay\n2019  and more", "2012 – 2019"),
    ],
)
def test_a_span_over_two_lines_is_one(broken: str, dates: str) -> None:
    assert [found[2] for found in experience(f"Experience\n{broken}\n• Wrote it")] == [dates]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ran nine roll-outs.",
        "I was an engineer at Fjord Pay from 2019 – 2021, and I liked it there very much indeed.",
        "• Cut costs 2019 – 2021\n• Led a team of nine",
    ],
)
def test_where_no_rule_fits_nothing_is_found(text: str) -> None:
    assert entries_of(text) == []


@pytest.mark.timeout(20)
@pytest.mark.parametrize("line", ["a of\n", "GmbH\n", "2019 – ", "Engineer, A 2019 – 2020\n"])
def test_time_grows_with_the_text_alone(line: str) -> None:
    entries_of(line * (60_000 // len(line)))


def test_no_text_yields_more_than_can_be_kept() -> None:
    text = "Experience\n" + "Engineer, Fjord Pay  2019 – 2021\n" * 500

    assert len(entries_of(text)) == MAX_ENTRIES


@pytest.mark.parametrize(
    "newer_first",
    [
        ("2019 – now", "2020 – 2024"),
        ("seit 2015", "2018 - 2023"),
        ("2016-04-01 —", "2017"),
        ("Mär 2020 – Mai 2021", "Jan 2020 – Apr 2021"),
        ("04/2020 – 05.2021", "02/2020 – 05.2021"),
        ("2001", ""),
    ],
)
def test_what_goes_on_comes_first_then_what_ended_last(newer_first: tuple[str, str]) -> None:
    newer, older = newer_first

    assert recency(newer) < recency(older)


def test_rows_are_sorted_within_their_sections() -> None:
    rows = as_rows(
        [
            Entry("education", "Cookery", "", "2007"),
            Entry("experience", "Cook", "", "2014 – 2017"),
            Entry("experience", "Manager", "", "2022 – now"),
        ]
    )

    assert [row["title"] for row in recent_first(rows)] == ["Manager", "Cook", "Cookery"]


def test_an_entry_that_says_nothing_is_left_out() -> None:
    assert as_rows([Entry("skills", " \n ")]) == []
    assert as_rows([Entry("skills", "a" * 500)])[0]["title"] == "a" * 200

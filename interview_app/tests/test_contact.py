from __future__ import annotations

import pytest

from interview_app.contact import without_contact_data
from interview_app.tests.samples import MARA_RESUME, TOMASZ_RESUME


def test_the_contact_line_of_a_resume_keeps_only_what_is_no_contact() -> None:
    kept = without_contact_data(MARA_RESUME)

    assert "@" not in kept
    assert "+46" not in kept
    assert "\nBackend engineer, Gothenburg\n" in kept
    assert kept.splitlines()[2:] == MARA_RESUME.splitlines()[2:]


def test_a_resume_without_contact_data_stays_as_it_is() -> None:
    assert without_contact_data(TOMASZ_RESUME).splitlines() == TOMASZ_RESUME.splitlines()


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("E-Mail: anna@example.org", ""),
        ("Tel.: 030 1234567", ""),
        ("Phone: (555) 123-4567 | Leeds", "Leeds"),
        ("Mobil 0151/12345678", ""),
        ("01/2019 - 03/2021 Developer", "01/2019 - 03/2021 Developer"),
        ("2017 - 2021 Tidvis", "2017 - 2021 Tidvis"),
        ("from 1.9 s to 240 ms, 0.25 seconds", "from 1.9 s to 240 ms, 0.25 seconds"),
        ("Saved EUR 82,000 to 96,000", "Saved EUR 82,000 to 96,000"),
    ],
)
def test_numbers_to_call_go_and_numbers_to_tell_stay(line: str, kept: str) -> None:
    assert without_contact_data(line) == kept

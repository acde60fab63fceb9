"""Postings as they are pasted: what the job board put around them does not reach the prompt."""

from __future__ import annotations

import json
from html import escape

import pytest

from interview_app.kinds.question_generation import user_message
from interview_app.models import InterviewSession
from interview_app.posting import posting_text
from interview_app.tests.samples import BILLING_POSTING, GERMAN_POSTING, PRODUCT_POSTING

BOARD = """Skip to main content
Sign in
Jobs
We use cookies to improve your experience. Accept all to consent.
Accept all
Backend Engineer
Fjord Pay · Bergen
3 days ago
Over 200 applicants
Easy Apply
Save
About the job
✅ Own the ledger service
● Cut latency, see https://fjord.example/ledger?utm_source=board&gclid=1
– Be on call every sixth week
Accept cookies as sessions in our API? No: you will move them to tokens.
Show more
https://board.example/jobs/4711?trk=public
Similar jobs
Frontend Engineer at Other Firm
Sales Manager at Third Firm"""
CLEAN = """Backend Engineer
Fjord Pay · Bergen
About the job
- Own the ledger service
- Cut latency, see https://fjord.example/ledger
- Be on call every sixth week
Accept cookies as sessions in our API? No: you will move them to tokens."""
JOB = {
    "@context": "https://schema.org",
    "@type": "JobPosting",
    "title": "Backend Engineer",
    "hiringOrganization": {"@type": "Organization", "name": "Fjord Pay"},
    "description": escape("<p>You own &amp; run the ledger.</p><ul><li>Go</li><li>SQL</li></ul>"),
    "skills": ["Kafka", "Terraform"],
    "experienceRequirements": {"description": "Three years of Go"},
}
LD = '<script type="application/ld+json">'
FROM_DATA = [
    "Backend Engineer",
    "Fjord Pay",
    "You own & run the ledger.",
    "- Go",
    "- SQL",
    "Kafka",
    "Terraform",
    "Three years of Go",
]


def test_what_a_job_board_puts_around_a_posting_goes() -> None:
    assert posting_text(BOARD) == CLEAN


def test_a_german_board_goes_too() -> None:
    text = "Anmelden\nMenü\n" + GERMAN_POSTING + "\nJetzt bewerben\nÄhnliche Stellen\nKoch (m/w/d)"

    assert posting_text(text).split() == GERMAN_POSTING.split()


@pytest.mark.parametrize("text", [BILLING_POSTING, PRODUCT_POSTING, GERMAN_POSTING])
def test_what_a_person_wrote_is_left_alone(text: str) -> None:
    assert posting_text(text).split() == text.split()


def test_a_sentence_that_only_begins_like_a_menu_stays() -> None:
    text = "Jobs\nYou save jobs in a queue and share this job with two others.\nSearch is ours."

    assert posting_text(text) == text.removeprefix("Jobs\n")


def test_pasted_html_is_read_as_it_shows() -> None:
    text = (
        "<nav><a>Home</a></nav><h1>Backend Engineer</h1><p>You own<br>the ledger &amp; more.</p>"
        "<ul><li>Go</li></ul><script>track()</script>"
    )

    lines = [line for line in posting_text(text).split("\n") if line]

    assert lines == ["Backend Engineer", "You own", "the ledger & more.", "- Go"]


@pytest.mark.parametrize(
    "source",
    [
        json.dumps(JOB),
        f"<html>{LD}{{}}</script>{LD}{json.dumps({'@graph': [{'@type': 'Page'}, JOB]})}</script>",
        json.dumps([{**JOB, "@type": ["JobPosting"]}]),
    ],
    ids=["alone", "in a page's graph", "in a list"],
)
def test_the_page_s_own_description_of_the_job_is_taken(source: str) -> None:
    assert [line for line in posting_text(source).split("\n") if line] == FROM_DATA


@pytest.mark.parametrize(
    "text", ["", "Apply now", "[" * 50_000, '{"@type": "JobPosting"}', "<p><p><p>"]
)
def test_rather_all_of_it_than_nothing(text: str) -> None:
    assert posting_text(text) == text


def test_the_prompt_has_the_cleaned_text_and_the_session_what_was_pasted() -> None:
    session = InterviewSession(role="Engineer", job_description=BOARD)

    assert "Easy Apply" not in user_message(session)
    assert "Own the ledger service" in user_message(session)
    assert session.job_description == BOARD

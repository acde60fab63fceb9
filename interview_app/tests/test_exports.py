"""A practice as a file."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from interview_app.models import Draft, InterviewSession
from interview_app.tests.factories import (
    AnswerFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
    SessionSummaryFactory,
)
from operations.tests.api_client import api_client, assert_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(alice: User) -> InterviewSession:
    made: InterviewSession = InterviewSessionFactory(
        owner=alice,
        role='Cook"\r\nSet-Cookie: a=b',
        job_description="# Not a heading\nSoups.",
        resume_text="Twelve years of soups.",
        finished=True,
    )
    question = QuestionFactory(session=made, text="Which soup?")
    FeedbackFactory(answer=AnswerFactory(question=question, text="Leek.\n## Mine"))
    Draft.objects.create(question=QuestionFactory(session=made), text="Not sent yet")
    SessionSummaryFactory(session=made, text="You know soups.", habits=["Salt less."])
    return made


def path(session: InterviewSession, query: str = "") -> str:
    return f"/api/v1/sessions/{session.pk}/export/{query}"


def test_markdown_holds_all_that_was_written(alice: User, session: InterviewSession) -> None:
    response = api_client(alice).get(path(session, "?format=md"))

    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
    name = f"practice-{session.created_at:%Y-%m-%d}-{str(session.pk)[:8]}.md"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    for words in (
        "> Which soup?",
        "> Leek.",
        "### Feedback · 3.5 / 5",
        "> You say what you did.",
        "> No number. Add one.",
        "> Not sent yet",
        "> You know soups.",
        "> Salt less.",
        "> Twelve years of soups.",
    ):
        assert words in response.text


def test_what_was_written_makes_no_headings(alice: User, session: InterviewSession) -> None:
    text = api_client(alice).get(path(session)).text

    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert not [line for line in headings if "Mine" in line or "Not a heading" in line]


def test_json_is_the_session_of_the_api_and_what_it_began_with(
    alice: User, session: InterviewSession
) -> None:
    client = api_client(alice)

    response = client.get(path(session, "?format=json"))

    assert response["Content-Type"] == "application/json"
    assert response["Content-Disposition"].endswith('.json"')
    assert response.json() == client.get(f"/api/v1/sessions/{session.pk}/").json() | {
        "job_description": "# Not a heading\nSoups.",
        "resume_text": "Twelve years of soups.",
        "resume_entries": [],
    }


def test_markdown_keeps_feedback_back_as_long_as_the_pages_do(
    alice: User, session: InterviewSession
) -> None:
    InterviewSession.objects.update(mode="real", finish_requested_at=None)

    assert "### Feedback" not in api_client(alice).get(path(session)).text


def test_another_format_is_refused_by_name(alice: User, session: InterviewSession) -> None:
    problem = api_client(alice).get(path(session, "?format=pdf"))

    errors = assert_problem(problem, 400, "VALIDATION_ERROR")["errors"]
    assert [error["field"] for error in errors] == ["format"]


@pytest.mark.parametrize("accept", ["text/markdown", "image/png"])
def test_a_file_does_not_depend_on_what_is_accepted(
    alice: User, session: InterviewSession, accept: str
) -> None:
    assert api_client(alice).get(path(session), headers={"accept": accept}).status_code == 200


def test_somebody_elses_practice_is_not_there(bob: User, session: InterviewSession) -> None:
    assert_problem(api_client(bob).get(path(session, "?format=json")), 404, "NOT_FOUND")


def test_the_practices_page_links_to_both(
    client: Client, alice: User, session: InterviewSession
) -> None:
    client.force_login(alice)

    page = client.get(reverse("session", args=[session.pk])).text

    for query in ("?format=md", "?format=json"):
        assert f'href="{path(session, query)}"' in page
        assert client.get(path(session, query)).status_code == 200

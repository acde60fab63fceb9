"""The page to print: a finished practice whole, for its owner alone."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from interview_app.models import InterviewSession
from interview_app.tests.factories import (
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
    SessionSummaryFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(alice: User) -> InterviewSession:
    made: InterviewSession = InterviewSessionFactory(owner=alice, finished=True, mode="real")
    question = QuestionFactory(session=made, text="When did it break?")
    FeedbackFactory(answer__question=question, answer__text="In May. I wrote the test first.")
    QuestionFactory(session=made, text="Who paid for it?")
    SessionSummaryFactory(session=made, text="You say what you did.")
    return made


def test_it_has_questions_answers_feedback_and_summary(
    client: Client, alice: User, session: InterviewSession
) -> None:
    client.force_login(alice)

    page = client.get(f"/practice/{session.pk}/print/").text

    for words in (
        "When did it break?",
        "In May. I wrote the test first.",
        "I added idempotency keys",  # a quote of the feedback
        "Who paid for it?",
        "You say what you did.",
    ):
        assert words in page
    assert session.resume_text not in page


def test_the_summary_leads_there(client: Client, alice: User, session: InterviewSession) -> None:
    client.force_login(alice)

    page = client.get(f"/practice/{session.pk}/summary/").text

    assert f'href="/practice/{session.pk}/print/"' in page


def test_before_the_end_there_is_nothing_to_print(client: Client, alice: User) -> None:
    client.force_login(alice)
    session = InterviewSessionFactory(owner=alice)

    answer = client.get(f"/practice/{session.pk}/print/")

    assert answer["Location"] == f"/practice/{session.pk}/"


def test_nobody_else_prints_it(client: Client, bob: User, session: InterviewSession) -> None:
    client.force_login(bob)

    assert client.get(f"/practice/{session.pk}/print/").status_code == 404

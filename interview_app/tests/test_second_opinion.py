"""The same answer judged once more: the spread is shown, and the first judgement stands."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client

from interview_app.kinds.feedback_analysis import Subject
from interview_app.models import Answer, SecondOpinion
from interview_app.queries import FEEDBACK_ANALYSIS, SECOND_OPINION, session_detail
from interview_app.refusals import NothingToCompare
from interview_app.rubric import BEHAVIOURAL
from interview_app.second_opinions import ask_second_opinion
from interview_app.services import finish_session
from interview_app.tests.engine import run_what_is_due
from interview_app.tests.factories import (
    AnswerFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
)
from operations.kinds import get_kind
from operations.models import Operation
from operations.services import cancel_operation
from operations.tests.api_client import api_client, assert_problem
from operations.tests.factories import OperationFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def answer(alice: User) -> Answer:
    session = InterviewSessionFactory(owner=alice, question_count=1)
    made: Answer = FeedbackFactory(
        answer__question=QuestionFactory(session=session),
        score=Decimal("2.0"),
        criteria=[{"key": "relevance", "score": 2.0, "reason": ""}],
    ).answer
    return made


def page_of(client: Client, answer: Answer) -> str:
    client.force_login(answer.question.session.owner)
    return client.get(f"/questions/{answer.question_id}/").text


def opinion(answer: Answer, score: str) -> None:
    SecondOpinion.objects.create(
        answer=answer,
        score=Decimal(score),
        criteria=[{"key": "relevance", "score": float(score), "reason": ""}],
        model="model-b",
        prompt_version="feedback_analysis/1",
        rubric_version="behavioural-1",
    )


def test_feedback_is_asked_for_steadily_and_a_second_opinion_is_not(answer: Answer) -> None:
    """With the first one's temperature and seed it would be the first one again."""
    subject = Subject(answer, BEHAVIOURAL)

    asked = {
        kind: get_kind(kind).request(OperationFactory.build(kind=kind), subject).steady
        for kind in (FEEDBACK_ANALYSIS, SECOND_OPINION)
    }

    assert asked == {FEEDBACK_ANALYSIS: True, SECOND_OPINION: False}


def test_the_page_asks_for_one_and_shows_it(client: Client, answer: Answer) -> None:
    assert "Ask for a second opinion" in page_of(client, answer)

    client.post(f"/questions/{answer.question_id}/second-opinion/")
    run_what_is_due()

    page = page_of(client, answer)
    made = SecondOpinion.objects.get(answer=answer)
    assert (made.simulated, made.prompt_version) == (True, "feedback_analysis/1")
    assert "Second opinion" in page
    assert "Ask for a second opinion" not in page
    answer.refresh_from_db()
    assert answer.feedback.score == Decimal("2.0")


def test_the_spread_is_shown_and_not_hidden(client: Client, answer: Answer) -> None:
    opinion(answer, "3.5")

    page = page_of(client, answer)

    assert "3.5 instead of 2.0: the two differ by 1.5" in page
    assert "model-b · prompt feedback_analysis/1 · rubric behavioural-1" in page
    assert "2.0 → 3.5" in page


def test_the_same_score_is_told_as_such(client: Client, answer: Answer) -> None:
    opinion(answer, "2.0")

    page = page_of(client, answer)

    assert "the same score" in page
    assert "→ 2.0" not in page


def test_there_is_one_for_each_answer(answer: Answer) -> None:
    first = ask_second_opinion(question=answer.question)
    run_what_is_due()

    assert ask_second_opinion(question=answer.question) == first
    assert SecondOpinion.objects.count() == 1


def test_it_can_be_asked_for_again_after_a_failure(answer: Answer) -> None:
    operation = ask_second_opinion(question=answer.question)
    cancel_operation(operation_id=operation.pk, actor=None, door="page")

    again = ask_second_opinion(question=answer.question)

    assert (again.pk, again.status, again.run) == (operation.pk, "pending", 2)


def test_without_a_score_there_is_nothing_to_compare(alice: User) -> None:
    unanswered = QuestionFactory(session=InterviewSessionFactory(owner=alice))
    unscored = AnswerFactory(question=QuestionFactory(session=unanswered.session))

    for question in (unanswered, unscored.question):
        with pytest.raises(NothingToCompare):
            ask_second_opinion(question=question)
        response = api_client(alice).post(f"/api/v1/questions/{question.pk}/second-opinion/")
        assert_problem(response, 409, "NOTHING_TO_COMPARE")


def test_the_api_tells_both(alice: User, answer: Answer) -> None:
    response = api_client(alice).post(f"/api/v1/questions/{answer.question_id}/second-opinion/")
    run_what_is_due()

    session = api_client(alice).get(f"/api/v1/sessions/{answer.question.session_id}/").json()
    [question] = session["questions"]
    assert (response.status_code, response.json()["kind"]) == (202, "second_opinion")
    assert question["feedback"]["score"] == 2.0
    assert question["feedback"]["reused"] is False
    assert question["second_opinion"]["rubric_version"]


def test_it_is_possible_after_the_end(answer: Answer) -> None:
    finish_session(session=answer.question.session)
    run_what_is_due()

    ask_second_opinion(question=answer.question)
    run_what_is_due()

    assert SecondOpinion.objects.count() == 1


def test_a_failed_one_needs_nobodys_attention(alice: User, answer: Answer) -> None:
    session = answer.question.session
    OperationFactory(
        kind="second_opinion",
        subject_type="answer",
        subject_id=str(answer.pk),
        session_id=session.pk,
        owner=alice,
        failed=True,
    )

    assert session_detail(session.pk, alice).status == "in_progress"
    assert Operation.objects.count() >= 1

from __future__ import annotations

import pytest

from interview_app.models import Answer, InterviewSession, Question
from interview_app.refusals import NothingToSummarise, SessionNotReady
from interview_app.services import delete_session, finish_session
from interview_app.tests.factories import (
    AnswerFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
)
from interview_app.tests.racing import in_threads
from operations.models import Operation
from operations.tests.factories import OperationFactory

pytestmark = pytest.mark.django_db


def test_finishing_notes_the_wish_and_queues_the_summary() -> None:
    session = AnswerFactory().question.session

    operation = finish_session(session=session, door="api")

    session.refresh_from_db()
    assert session.finish_requested_at is not None
    assert session.finished_at is None
    assert (operation.kind, operation.status) == ("session_summary", "pending")
    assert (operation.subject_type, operation.subject_id) == ("session", str(session.pk))
    assert operation.owner == session.owner


def test_a_second_click_finds_the_same_operation() -> None:
    session = AnswerFactory().question.session

    assert finish_session(session=session) == finish_session(session=session)
    assert Operation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_ten_clicks_at_once_ask_for_one_summary() -> None:
    session = AnswerFactory().question.session

    operations = in_threads(
        10, lambda: finish_session(session=InterviewSession.objects.get(pk=session.pk))
    )

    assert len({operation.pk for operation in operations}) == 1


def test_a_session_without_questions_is_not_ready_to_end() -> None:
    with pytest.raises(SessionNotReady):
        finish_session(session=InterviewSessionFactory())


def test_without_any_answer_there_is_nothing_to_sum_up() -> None:
    session = QuestionFactory().session

    with pytest.raises(NothingToSummarise):
        finish_session(session=session)

    session.refresh_from_db()
    assert session.finish_requested_at is None


def test_deleting_takes_all_texts_and_leaves_cancelled_operations() -> None:
    feedback = FeedbackFactory()
    session = feedback.answer.question.session
    unfinished = OperationFactory(session_id=session.pk, subject_id=str(session.pk))
    running = OperationFactory(
        session_id=session.pk,
        subject_id=str(feedback.answer_id),
        subject_type="answer",
        running=True,
    )
    done = OperationFactory(session_id=session.pk, subject_id="x", completed=True)

    delete_session(session=session, actor=session.owner, door="page")

    assert not InterviewSession.objects.exists()
    assert not Question.objects.exists()
    assert not Answer.objects.exists()
    statuses = dict(Operation.objects.values_list("pk", "status"))
    assert statuses == {unfinished.pk: "cancelled", running.pk: "cancelled", done.pk: "completed"}


def test_deleting_leaves_other_sessions_alone() -> None:
    other = AnswerFactory().question.session
    operation = OperationFactory(session_id=other.pk, subject_id=str(other.pk))

    session = InterviewSessionFactory(owner=other.owner)
    delete_session(session=session, actor=session.owner)

    operation.refresh_from_db()
    assert list(InterviewSession.objects.all()) == [other]
    assert operation.status == "pending"

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from interview_app.models import Feedback, InterviewSession
from interview_app.queries import session_detail, session_details, session_status, sessions_of
from interview_app.tests.factories import (
    AnswerFactory,
    DraftFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
    SessionSummaryFactory,
)
from operations.models import Operation
from operations.tests.factories import OperationFactory, UserFactory

pytestmark = pytest.mark.django_db


def generation(session: InterviewSession, **values: object) -> Operation:
    return OperationFactory(session_id=session.pk, subject_id=str(session.pk), **values)


def summary(session: InterviewSession, **values: object) -> Operation:
    return generation(session, kind="session_summary", **values)


def analysis(answer_id: object, session: InterviewSession, **values: object) -> Operation:
    return OperationFactory(
        kind="feedback_analysis",
        subject_type="answer",
        subject_id=str(answer_id),
        session_id=session.pk,
        **values,
    )


def test_a_session_is_preparing_until_it_has_questions() -> None:
    session = InterviewSessionFactory()
    generation(session, running=True)

    assert session_status(session) == "preparing"


def test_a_session_with_questions_is_ready_and_with_an_answer_in_progress() -> None:
    session = InterviewSessionFactory()
    generation(session, completed=True)
    question = QuestionFactory(session=session)

    assert session_status(session) == "ready"
    AnswerFactory(question=question)
    assert session_status(session) == "in_progress"


def test_a_session_is_finishing_until_its_summary_is_written() -> None:
    session = InterviewSessionFactory(finishing=True)
    QuestionFactory(session=session)
    summary(session)

    assert session_status(session) == "finishing"
    session.finished_at = timezone.now()
    assert session_status(session) == "finished"


@pytest.mark.parametrize("trait", ["failed", "cancelled"])
def test_a_session_whose_questions_will_not_come_needs_attention(trait: str) -> None:
    session = InterviewSessionFactory()
    generation(session, **{trait: True})

    assert session_status(session) == "needs_attention"


@pytest.mark.parametrize("trait", ["failed", "cancelled"])
def test_a_session_whose_summary_will_not_come_needs_attention(trait: str) -> None:
    session = InterviewSessionFactory(finishing=True)
    QuestionFactory(session=session)
    summary(session, **{trait: True})

    assert session_status(session) == "needs_attention"


def test_a_failed_analysis_needs_attention_until_the_question_is_answered_again() -> None:
    first = AnswerFactory()
    session = first.question.session
    failed = analysis(first.pk, session, failed=True)

    detail = session_detail(session.pk, session.owner)
    assert (detail.status, detail.needing_attention) == ("needs_attention", [failed])

    second = AnswerFactory(question=first.question)
    analysis(second.pk, session)
    assert session_status(session) == "in_progress"


def test_a_cancelled_analysis_is_somebodys_wish() -> None:
    answer = AnswerFactory()
    analysis(answer.pk, answer.question.session, cancelled=True)

    assert session_status(answer.question.session) == "in_progress"


def test_the_newest_operation_of_a_part_counts() -> None:
    session = InterviewSessionFactory()
    old = generation(session, failed=True)
    Operation.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(hours=1))
    new = generation(session)

    detail = session_detail(session.pk, session.owner)

    assert detail.generation == new
    assert detail.operations == [new]
    assert detail.status == "preparing"


def test_a_question_shows_its_newest_answer_with_feedback_draft_and_operation() -> None:
    question = QuestionFactory()
    session = question.session
    feedback = FeedbackFactory(answer__question=question)
    old = analysis(feedback.answer_id, session, completed=True)
    newest = AnswerFactory(question=question)
    running = analysis(newest.pk, session, running=True)
    draft = DraftFactory(question=question)

    detail = session_detail(session.pk, session.owner).questions[0]

    assert [each.answer.number for each in detail.answers] == [1, 2]
    assert (detail.answers[0].feedback, detail.answers[0].operation) == (feedback, old)
    assert (detail.answer, detail.feedback, detail.operation) == (newest, None, running)
    assert detail.draft == draft
    assert not detail.is_scored


def test_the_number_of_queries_does_not_grow_with_the_session(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    session = SessionSummaryFactory().session
    for _ in range(5):
        question = QuestionFactory(session=session)
        DraftFactory(question=question)
        for _ in range(2):
            feedback = FeedbackFactory(answer__question=question)
            analysis(feedback.answer_id, session, completed=True)

    with django_assert_num_queries(4):
        detail = session_detail(session.pk, session.owner)
        assert detail.status == "finished"
        assert detail.scored_count == detail.answered_count == 5
        assert detail.summary is not None
        assert detail.standing.overall == Decimal("3.5")


def test_the_number_of_queries_does_not_grow_with_the_sessions(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    owner = UserFactory()
    for _ in range(3):
        FeedbackFactory(answer__question__session__owner=owner)

    with django_assert_num_queries(4):
        details = session_details(sessions_of(owner).select_related("summary"))
        assert [detail.status for detail in details] == ["in_progress"] * 3


@pytest.mark.parametrize("after", range(4))
def test_what_is_committed_between_two_reads_is_never_missing_beside_its_operation(
    after: int,
) -> None:
    session = InterviewSessionFactory(finishing=True)
    question = QuestionFactory(session=session)
    answer = AnswerFactory(question=question)
    asked, analysed, summed_up = (
        generation(session, running=True),
        analysis(answer.pk, session, running=True),
        summary(session, running=True),
    )

    def everything_is_committed() -> None:
        QuestionFactory(session=session)
        FeedbackFactory(answer=answer)
        SessionSummaryFactory(session=session)
        InterviewSession.objects.filter(pk=session.pk).update(finished_at=timezone.now())
        Operation.objects.filter(session_id=session.pk).update(
            status="completed",
            finished_at=timezone.now(),
            lease_owner=None,
            lease_expires_at=None,
        )

    with connection.execute_wrapper(AfterReads(after, everything_is_committed)):
        detail = session_detail(session.pk, session.owner)

    completed = {each.pk for each in detail.operations if each.status == "completed"}
    assert asked.pk not in completed or len(detail.questions) == 2
    assert analysed.pk not in completed or detail.questions[0].feedback is not None
    assert summed_up.pk not in completed or (detail.summary and detail.status == "finished")


class AfterReads:
    """Does something once, before the read that follows so many others."""

    def __init__(self, reads: int, do: Callable[[], None]) -> None:
        self.reads_left = reads
        self.do: Callable[[], None] | None = do

    def __call__(self, execute: Callable[..., Any], *statement: Any) -> Any:
        do = self.do
        if do is not None and self.reads_left == 0:
            self.do = None
            do()
        self.reads_left -= 1
        return execute(*statement)


def test_the_sessions_of_others_do_not_exist() -> None:
    session = InterviewSessionFactory()

    with pytest.raises(InterviewSession.DoesNotExist):
        session_detail(session.pk, UserFactory())
    assert not sessions_of(UserFactory()).exists()


def test_the_next_question_is_the_first_without_an_answer() -> None:
    answered = AnswerFactory().question
    following = QuestionFactory(session=answered.session)

    detail = session_detail(answered.session_id, answered.session.owner)

    assert detail.next_question is not None
    assert detail.next_question.question == following


@pytest.mark.parametrize(
    "simulate",
    [
        lambda session: QuestionFactory(session=session, simulated=True),
        lambda session: FeedbackFactory(answer__question__session=session, simulated=True),
        lambda session: SessionSummaryFactory(session=session, simulated=True),
        lambda session: generation(session, completed=True, simulated=True),
    ],
    ids=["question", "feedback", "summary", "operation"],
)
def test_a_session_is_simulated_once_anything_in_it_is(
    simulate: Callable[[InterviewSession], object],
) -> None:
    session = InterviewSessionFactory()
    assert not session_detail(session.pk, session.owner).simulated

    simulate(session)

    assert session_detail(session.pk, session.owner).simulated


def test_the_standing_names_what_has_no_score() -> None:
    session = InterviewSessionFactory()
    for competency, values in (
        ("Learning", {"score": Decimal("4.0")}),
        ("Conflict", {"not_scored": True}),
        ("Learning", {"score": Decimal("2.5")}),
    ):
        FeedbackFactory(
            answer__question__session=session, answer__question__competency=competency, **values
        )
    AnswerFactory(question__session=session, question__competency="Results")
    QuestionFactory(session=session, competency="Ownership")

    standing = session_detail(session.pk, session.owner).standing

    assert standing.overall == Decimal("3.3")
    assert standing.missing == [2, 4, 5]
    assert standing.by_competency == [
        ("Learning", Decimal("3.3")),
        ("Conflict", None),
        ("Results", None),
        ("Ownership", None),
    ]
    assert not standing.simulated


def test_a_simulated_score_counts_only_where_no_other_does() -> None:
    session = InterviewSessionFactory()
    for score, simulated in (("4.0", True), ("2.0", False), ("5.0", True)):
        FeedbackFactory(
            answer__question__session=session,
            answer__question__competency="Learning",
            score=Decimal(score),
            simulated=simulated,
        )

    standing = session_detail(session.pk, session.owner).standing

    assert (standing.overall, standing.missing) == (Decimal("2.0"), [1, 3])
    assert standing.by_competency == [("Learning", Decimal("2.0"))]
    assert not standing.simulated

    Feedback.objects.update(simulated=True)
    standing = session_detail(session.pk, session.owner).standing

    assert (standing.overall, standing.missing, standing.simulated) == (Decimal("3.7"), [], True)

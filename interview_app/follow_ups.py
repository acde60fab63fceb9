"""Asking for a question beyond those planned, about what was answered."""

from __future__ import annotations

from django.db import transaction

from interview_app.models import MAX_FOLLOW_UPS, Answer, InterviewSession, Question
from interview_app.queries import FOLLOW_UP_QUESTION, NUMBER, newest_operation
from interview_app.refusals import NotAnswered, TooManyFollowUps
from interview_app.services import locked_session, refuse_if_finished
from operations.models import Door, Operation
from operations.refusals import NotRetryable
from operations.services import retry_operation, submit_operation


def ask_follow_up(*, question: Question, door: str = Door.PAGE) -> Operation:
    """The operation that writes a follow-up to the newest answer: there is one for each answer,
    which a further call returns, and asks again where it failed or was stopped.

    Raises NotAnswered without an answer, SessionFinished once the end was asked for,
    TooManyFollowUps after the tenth of a session, and what submitting and retrying raise.
    """
    with transaction.atomic():
        session = locked_session(question.session_id)
        refuse_if_finished(session)
        answer = Answer.objects.filter(question=question).order_by("-number").first()
        if answer is None:
            raise NotAnswered
        operation = newest_operation(FOLLOW_UP_QUESTION, "answer", answer.pk)
        if operation is None:
            return _submit(answer, session, door)
    # Without the session's lock: who deletes a session takes its operations before it.
    return _asked_again(operation, session, door) if _has_ended_badly(operation) else operation


def _submit(answer: Answer, session: InterviewSession, door: str) -> Operation:
    asked = Operation.objects.filter(session_id=session.pk, kind=FOLLOW_UP_QUESTION).count()
    if asked >= MAX_FOLLOW_UPS:
        raise TooManyFollowUps
    return submit_operation(
        kind=FOLLOW_UP_QUESTION,
        subject_type="answer",
        subject_id=answer.pk,
        session_id=session.pk,
        owner=session.owner,
        # Given out under the session's lock, so that no two calls end with one number.
        parameters={NUMBER: session.question_count + asked + 1},
        door=door,
    )


def _has_ended_badly(operation: Operation) -> bool:
    return operation.status in Operation.RETRYABLE


def _asked_again(operation: Operation, session: InterviewSession, door: str) -> Operation:
    try:
        return retry_operation(operation_id=operation.pk, actor=session.owner, door=door)
    except NotRetryable:
        # Another click was faster.
        return Operation.objects.get(pk=operation.pk)

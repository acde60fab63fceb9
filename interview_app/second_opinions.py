"""Asking for the same answer to be judged once more."""

from __future__ import annotations

from django.db import transaction

from interview_app.models import Answer, Question
from interview_app.own_rubrics import judged_by
from interview_app.queries import SECOND_OPINION, newest_operation
from interview_app.refusals import NothingToCompare
from interview_app.services import locked_session
from operations.models import Door, Operation
from operations.refusals import NotRetryable
from operations.services import retry_operation, submit_operation


def ask_second_opinion(*, question: Question, door: str = Door.PAGE) -> Operation:
    """The operation that judges the newest answer once more: there is one for each answer, which a
    further call returns, and asks again where it failed or was stopped.

    Also after the end of the practice. Raises NothingToCompare without a score that is shown,
    and what submitting and retrying raise.
    """
    with transaction.atomic():
        session = locked_session(question.session_id)
        answers = Answer.objects.filter(question=question).select_related("feedback")
        answer = answers.order_by("-number").first()
        feedback = getattr(answer, "feedback", None)
        if answer is None or feedback is None or feedback.score is None:
            raise NothingToCompare
        if not session.shows_feedback:
            raise NothingToCompare
        operation = newest_operation(SECOND_OPINION, "answer", answer.pk)
        if operation is None:
            return submit_operation(
                kind=SECOND_OPINION,
                subject_type="answer",
                subject_id=answer.pk,
                session_id=session.pk,
                owner=session.owner,
                # By the first one's rubric: by another the two would differ for that alone.
                parameters=judged_by(feedback.rubric_version),
                door=door,
            )
    if operation.status not in Operation.RETRYABLE:
        return operation
    try:
        return retry_operation(operation_id=operation.pk, actor=session.owner, door=door)
    except NotRetryable:
        # Another click was faster.
        return Operation.objects.get(pk=operation.pk)

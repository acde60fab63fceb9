"""The questions of a practice before its first answer: in another order, without one of them, with
one of the person's own.

Each verb takes the session's lock, so that answers, drafts and numbers do not cross. Raises
SessionNotReady while questions are being written, PlanClosed from the first answer on.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext as _

from interview_app.evidence import normalised
from interview_app.models import (
    COMPETENCY_MAX_LENGTH,
    MAX_QUESTIONS,
    QUESTION_MAX_LENGTH,
    Answer,
    Draft,
    InterviewSession,
    InterviewType,
    Question,
)
from interview_app.queries import QUESTION_GENERATION, newest_operation
from interview_app.refusals import (
    LastQuestion,
    PlanClosed,
    QuestionBegun,
    SessionNotReady,
    TooManyQuestions,
)
from interview_app.services import locked_session, refuse_if_finished
from interview_app.validation import check_text

APART = 1_000
"""Numbers are unique at every moment: all step aside before any gets its new one."""


@transaction.atomic
def move_question(*, question: Question, by: int) -> None:
    """`by` places down, or up where negative; at most to the first or last place."""
    session = _open_session(question.session_id)
    order = _planned(session)
    here = order.index(question)
    there = min(max(here + by, 0), len(order) - 1)
    if there != here:
        order.insert(there, order.pop(here))
        _give_numbers(order)


@transaction.atomic
def leave_out_question(*, question: Question) -> None:
    """For good. Raises LastQuestion, and QuestionBegun where a draft would go with it."""
    session = _open_session(question.session_id)
    order = _planned(session)
    if len(order) == 1:
        raise LastQuestion
    if Draft.objects.filter(question=question).exclude(text="").exists():
        raise QuestionBegun
    order.remove(question)
    Question.objects.filter(pk=question.pk).delete()
    _give_numbers(order)
    _keep_count(session, session.question_count - 1)


@transaction.atomic
def add_question(*, session: InterviewSession, text: str, competency: str = "") -> Question:
    """At the end; it takes the place of a missing one. The same words a second time are the same
    question. Raises TooManyQuestions."""
    check_text("text", text, max_length=QUESTION_MAX_LENGTH, required=True)
    check_text("competency", competency, max_length=COMPETENCY_MAX_LENGTH)
    session = _open_session(session.pk)
    order = _planned(session)
    for each in order:
        if normalised(each.text) == normalised(text):
            return each
    if len(order) >= MAX_QUESTIONS:
        raise TooManyQuestions
    _keep_count(session, max(session.question_count, len(order) + 1))
    return Question.objects.create(
        session=session,
        number=len(order) + 1,
        text=text.strip(),
        type=_type_of_own(session),
        competency=competency.strip() or _own_question(session),
    )


def _open_session(session_id: object) -> InterviewSession:
    session = locked_session(session_id)  # type: ignore[arg-type]
    refuse_if_finished(session)
    if Answer.objects.filter(question__session=session).exists():
        raise PlanClosed
    # Whoever writes the missing ones gives them numbers, too.
    writing = newest_operation(QUESTION_GENERATION, "session", session.pk)
    if writing is not None and not writing.is_final:
        raise SessionNotReady
    return session


def _planned(session: InterviewSession) -> list[Question]:
    """All there are: a follow-up needs an answer."""
    questions = list(session.questions.order_by("number"))
    if not questions:
        raise SessionNotReady
    return questions


def _give_numbers(order: Sequence[Question]) -> None:
    questions = Question.objects.filter(pk__in=[each.pk for each in order])
    questions.update(number=F("number") + APART)
    for number, question in enumerate(order, start=1):
        questions.filter(pk=question.pk).update(number=number)


def _keep_count(session: InterviewSession, count: int) -> None:
    InterviewSession.objects.filter(pk=session.pk).update(question_count=count)


def _type_of_own(session: InterviewSession) -> str:
    is_mixed = session.interview_type == InterviewType.MIXED
    return InterviewType.BEHAVIORAL if is_mixed else session.interview_type


def _own_question(session: InterviewSession) -> str:
    with translation.override(session.language):
        return _("Own question")

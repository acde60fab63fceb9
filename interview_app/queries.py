"""Reads of the interview: a session with all its parts, in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet

from interview_app.models import (
    MAX_FOLLOW_UPS,
    Answer,
    Draft,
    Feedback,
    InterviewSession,
    Question,
    QuestionTimer,
    SecondOpinion,
    SessionSummary,
)
from interview_app.rubric import criterion_name, mean_score
from operations.database.states import operation_with_state, with_state
from operations.models import Operation
from operations.queries import tell_together
from operations.spending import total_usd

QUESTION_GENERATION = "question_generation"
FEEDBACK_ANALYSIS = "feedback_analysis"
SESSION_SUMMARY = "session_summary"
FOLLOW_UP_QUESTION = "follow_up_question"
SECOND_OPINION = "second_opinion"

MISSING = "missing"
"""Parameter of an operation that asks for the questions which earlier replies did not bring."""
NUMBER = "number"
"""Parameter of an operation that writes one question: the question's number."""
RUBRIC = "rubric"
"""Parameter of an operation that judges by a rubric of an operator's own: its version."""

ANSWER_TEXTS = (
    "text",
    *(f"feedback__{name}" for name in ("criteria", "strengths", "fixes", "rewrite")),
    "second_opinion__criteria",
)
"""Of an answer and of what was said to it."""

FAILED = Operation.Status.FAILED
CANCELLED = Operation.Status.CANCELLED


@dataclass(frozen=True)
class AnswerDetail:
    answer: Answer
    feedback: Feedback | None
    operation: Operation | None
    """The newest analysis of this answer."""
    follow_up: Question | None
    follow_up_operation: Operation | None
    second_opinion: SecondOpinion | None = None
    second_opinion_operation: Operation | None = None

    @property
    def spread(self) -> Decimal | None:
        """By how much two judgements of this answer differ; None without two scores."""
        if self.feedback is None or self.second_opinion is None:
            return None
        first, second = self.feedback.score, self.second_opinion.score
        return None if first is None or second is None else abs(first - second)

    @property
    def compared(self) -> list[dict[str, Any]]:
        """[{name, first, second}], a score or None each, in the order of the rubric."""
        if self.feedback is None or self.second_opinion is None:
            return []
        second = {each["key"]: each["score"] for each in self.second_opinion.criteria}
        return [
            {
                "name": criterion_name(each),
                "first": each["score"],
                "second": second.get(each["key"]),
            }
            for each in self.feedback.criteria
        ]


@dataclass(frozen=True)
class QuestionDetail:
    question: Question
    answers: list[AnswerDetail]
    """Oldest first."""
    draft: Draft | None
    operation: Operation | None
    """Newest about this question or its newest answer."""
    own_operations: list[Operation]
    """Newest of each kind about the question itself, not about an answer."""
    follows: int | None
    """Number of the question to whose answer it is a follow-up; null: a planned one."""

    @property
    def newest(self) -> AnswerDetail | None:
        return self.answers[-1] if self.answers else None

    @property
    def answer(self) -> Answer | None:
        return self.newest.answer if self.newest else None

    @property
    def feedback(self) -> Feedback | None:
        return self.newest.feedback if self.newest else None

    @property
    def timer(self) -> QuestionTimer | None:
        """Of an interview like the real thing, once the question was opened."""
        return getattr(self.question, "timer", None)

    @property
    def is_open(self) -> bool:
        return self.timer is not None or bool(self.answers)

    @property
    def second_opinion(self) -> SecondOpinion | None:
        return self.newest.second_opinion if self.newest else None

    @property
    def analysis(self) -> Operation | None:
        return self.newest.operation if self.newest else None

    @property
    def operations(self) -> list[Operation]:
        """Newest of each kind about the question or its newest answer."""
        newest = self.newest
        about_answer = (
            [newest.operation, newest.follow_up_operation, newest.second_opinion_operation]
            if newest
            else []
        )
        return [*self.own_operations, *(each for each in about_answer if each is not None)]

    @property
    def failed_operations(self) -> list[Operation]:
        return [each for each in self.operations if each.status == FAILED]

    @property
    def is_open_follow_up(self) -> bool:
        """Asked for beyond what was planned, and not answered: nothing is missing without it."""
        return self.follows is not None and not self.answers

    @property
    def score(self) -> Decimal | None:
        return self.feedback.score if self.feedback else None

    @property
    def is_scored(self) -> bool:
        return self.score is not None

    @property
    def is_simulated(self) -> bool:
        return self.feedback is not None and self.feedback.simulated


@dataclass(frozen=True)
class Usage:
    """What several operations took."""

    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    """None where the price of any of them is unknown; never 0 for unknown."""

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


def usage_of(operations: Iterable[Operation]) -> Usage:
    called = [each for each in operations if each.input_tokens or each.output_tokens]
    return Usage(
        input_tokens=sum(each.input_tokens for each in called),
        output_tokens=sum(each.output_tokens for each in called),
        cost_usd=total_usd(each.cost_usd for each in called),
    )


@dataclass(frozen=True)
class SessionDetail:
    session: InterviewSession
    questions: list[QuestionDetail]
    operations: list[Operation]
    """Newest per (kind, subject), newest first."""
    generation: Operation | None
    """Newest question_generation."""
    summary_operation: Operation | None
    """Newest session_summary."""
    summary: SessionSummary | None
    usage: Usage
    """Of all its calls, also those of operations that others have followed."""

    @property
    def status(self) -> str:
        """preparing | ready | in_progress | finishing | finished | needs_attention."""
        if self.needing_attention:
            return "needs_attention"
        if self.session.finished_at is not None:
            return "finished"
        if self.session.finish_requested_at is not None:
            return "finishing"
        if not self.questions:
            return "preparing"
        return "in_progress" if self.answered_count else "ready"

    @property
    def answered_count(self) -> int:
        return sum(1 for question in self.questions if question.answers)

    @property
    def planned_count(self) -> int:
        """How many questions there are without the follow-ups."""
        return sum(1 for question in self.questions if question.follows is None)

    @property
    def missing_questions(self) -> int:
        """How many the replies did not bring; 0 while none has come."""
        return max(0, self.session.question_count - self.planned_count) if self.questions else 0

    @property
    def can_ask_follow_up(self) -> bool:
        """Whether the end was not asked for and not too many were asked."""
        asked = sum(1 for operation in self.operations if operation.kind == FOLLOW_UP_QUESTION)
        return asked < MAX_FOLLOW_UPS and self.session.finish_requested_at is None

    @property
    def can_ask_missing(self) -> bool:
        """Whether nobody is at it, and the end was not asked for."""
        is_idle = self.generation is None or self.generation.is_final
        return bool(self.missing_questions) and is_idle and self.session.finish_requested_at is None

    @property
    def scored_count(self) -> int:
        return sum(1 for question in self.questions if question.is_scored)

    @property
    def standing(self) -> Standing:
        """As of now; the stored summary has that of the moment it was written."""
        return standing_of(self.questions)

    @property
    def next_question(self) -> QuestionDetail | None:
        """The first one without an answer."""
        return next((question for question in self.questions if not question.answers), None)

    @property
    def readable_questions(self) -> list[QuestionDetail]:
        """Like the real thing, those that were opened and the next one; else all."""
        if self.session.shows_feedback:
            return self.questions
        upcoming = [question for question in self.questions if not question.is_open]
        return [each for each in self.questions if each.is_open or each in upcoming[:1]]

    @property
    def has_unfinished_operations(self) -> bool:
        return any(not operation.is_final for operation in self.operations)

    @property
    def needing_attention(self) -> list[Operation]:
        """The operations whose part is missing until somebody acts."""
        return [operation for operation in self._parts() if self._is_stopped(operation)]

    @property
    def simulated(self) -> bool:
        """Whether anything in this session came from the simulated provider."""
        feedbacks = (each.feedback for question in self.questions for each in question.answers)
        return (
            any(operation.simulated for operation in self.operations)
            or any(question.question.simulated for question in self.questions)
            or any(feedback is not None and feedback.simulated for feedback in feedbacks)
            or (self.summary is not None and self.summary.simulated)
        )

    def _parts(self) -> list[Operation]:
        of_questions = (each for question in self.questions for each in question.operations)
        parts = [self.generation, *of_questions, self.summary_operation]
        return [part for part in parts if part is not None]

    def _is_stopped(self, operation: Operation) -> bool:
        if operation.kind == FOLLOW_UP_QUESTION and self.session.finish_requested_at is not None:
            return False
        if operation.kind == SECOND_OPINION:
            return False  # the first one stands
        if operation.status == FAILED:
            return True
        # A cancelled analysis was somebody's wish; without questions or summary nothing goes on.
        if operation.status != CANCELLED:
            return False
        if operation.kind == QUESTION_GENERATION:
            return not self.questions
        return operation.kind == SESSION_SUMMARY and self.summary is None


@dataclass(frozen=True)
class Standing:
    """The numbers of a session, from the scored feedback of each question's newest answer."""

    overall: Decimal | None
    by_competency: list[tuple[str, Decimal | None]]
    missing: list[int]
    """Numbers of the questions without a score that counts; a follow-up only if it was answered."""
    simulated: bool
    """Whether the scores in it are simulated: these count only where no other is."""


def standing_of(questions: list[QuestionDetail]) -> Standing:
    questions = counted(questions)
    counting = with_score(questions)
    numbers = {each.question.number for each in counting}
    scores: dict[str, list[Decimal | None]] = {}
    for each in questions:
        given = scores.setdefault(each.question.competency, [])
        given.append(each.score if each.question.number in numbers else None)
    return Standing(
        overall=mean_score(each.score for each in counting),
        by_competency=[(competency, mean_score(given)) for competency, given in scores.items()],
        missing=[each.question.number for each in questions if each.question.number not in numbers],
        simulated=any(each.is_simulated for each in counting),
    )


def with_score(questions: list[QuestionDetail]) -> list[QuestionDetail]:
    """Those whose score counts: the simulated ones only where there is no other."""
    scored = [each for each in questions if each.is_scored]
    return [each for each in scored if not each.is_simulated] or scored


def counted(questions: list[QuestionDetail]) -> list[QuestionDetail]:
    return [each for each in questions if not each.is_open_follow_up]


def sessions_of(owner: AbstractUser) -> QuerySet[InterviewSession]:
    return InterviewSession.objects.filter(owner_id=owner.pk)


def session_detail(
    session_id: UUID | str, owner: AbstractUser, *, with_answer_texts: bool = True
) -> SessionDetail:
    """Raises `InterviewSession.DoesNotExist` also for other people's sessions."""
    operations = _operations_of([session_id])
    session = sessions_of(owner).select_related("summary").get(pk=session_id)
    return _details([session], operations, with_answer_texts=with_answer_texts)[0]


def begun_detail(session: InterviewSession, generation: Operation) -> SessionDetail | None:
    """Of a session that was begun just now, in one query. None once somebody has begun to write
    its questions or has deleted it: there may be more to read."""
    operation = operation_with_state(generation.pk)
    if operation is None or operation.status != Operation.Status.PENDING:
        return None
    tell_together([operation])
    return SessionDetail(
        session=session,
        questions=[],
        operations=[operation],
        generation=operation,
        summary_operation=None,
        summary=None,
        usage=usage_of([operation]),
    )


def session_details(
    sessions: Iterable[InterviewSession], *, with_answer_texts: bool = True
) -> list[SessionDetail]:
    """The details of many sessions in three queries, and one a session whose summary was not
    joined (`select_related("summary")`). The texts of a session's answers may be 4 MB: pages that
    show none of them, nor of the feedback's, leave them in the database."""
    found = list(sessions)
    operations = _operations_of(session.pk for session in found)
    return _details(found, operations, with_answer_texts=with_answer_texts)


def session_status(session: InterviewSession) -> str:
    return session_details([session])[0].status


def newest_operation(kind: str, subject_type: str, subject_id: UUID) -> Operation | None:
    return (
        Operation.objects.filter(kind=kind, subject_type=subject_type, subject_id=str(subject_id))
        .order_by("-created_at", "-id")
        .first()
    )


def _operations_of(session_ids: Iterable[UUID | str]) -> list[Operation]:
    """To be read before what they make: each query sees its own moment, and a result that is
    committed between two of them must not be missing beside a status that says it is there."""
    operations = Operation.objects.filter(session_id__in=list(session_ids))
    found = list(with_state(operations).order_by("-created_at", "-id"))
    tell_together(found)
    return found


def _details(
    sessions: list[InterviewSession], operations: list[Operation], *, with_answer_texts: bool
) -> list[SessionDetail]:
    ids = [session.pk for session in sessions]
    answers = _by(
        Answer.objects.filter(question__session_id__in=ids)
        .select_related("feedback", "second_opinion")
        .defer(*(() if with_answer_texts else ANSWER_TEXTS))
        .order_by("number"),
        "question_id",
    )
    questions = _by(
        Question.objects.filter(session_id__in=ids)
        .select_related("draft", "timer")
        .order_by("number"),
        "session_id",
    )
    by_session = _by(operations, "session_id")
    return [
        _session_detail(session, questions[session.pk], answers, by_session[session.pk])
        for session in sessions
    ]


def _session_detail(
    session: InterviewSession,
    questions: list[Question],
    answers: dict[Any, list[Answer]],
    operations: list[Operation],
) -> SessionDetail:
    newest = _newest_per_subject(operations)
    for question in questions:
        question.session = session
    parts = _Parts(
        answers=answers,
        newest=newest,
        follow_ups={each.follow_up_to_id: each for each in questions if each.follow_up_to_id},
        asked_in={
            each.pk: question.number for question in questions for each in answers[question.pk]
        },
    )
    return SessionDetail(
        session=session,
        questions=[_question_detail(each, parts) for each in questions],
        operations=list(newest.values()),
        generation=newest.get((QUESTION_GENERATION, "session", str(session.pk))),
        summary_operation=newest.get((SESSION_SUMMARY, "session", str(session.pk))),
        summary=getattr(session, "summary", None),
        usage=usage_of(operations),
    )


@dataclass(frozen=True)
class _Parts:
    """What a session's questions are put together from."""

    answers: dict[Any, list[Answer]]
    newest: dict[tuple[str, str, str], Operation]
    follow_ups: dict[UUID, Question]
    """By the answer that each is about."""
    asked_in: dict[UUID, int]
    """The number of each answer's question."""


def _question_detail(question: Question, parts: _Parts) -> QuestionDetail:
    answers, newest = parts.answers[question.pk], parts.newest
    details = [
        AnswerDetail(
            answer=answer,
            feedback=getattr(answer, "feedback", None),
            operation=newest.get((FEEDBACK_ANALYSIS, "answer", str(answer.pk))),
            follow_up=parts.follow_ups.get(answer.pk),
            follow_up_operation=newest.get((FOLLOW_UP_QUESTION, "answer", str(answer.pk))),
            second_opinion=getattr(answer, "second_opinion", None),
            second_opinion_operation=newest.get((SECOND_OPINION, "answer", str(answer.pk))),
        )
        for answer in answers
    ]
    own = str(question.pk)
    subjects = {own, *(str(each.pk) for each in answers[-1:])}
    return QuestionDetail(
        question=question,
        answers=details,
        draft=getattr(question, "draft", None),
        # Operations come newest first, so the first about one of the subjects is the newest.
        operation=next((each for key, each in newest.items() if key[2] in subjects), None),
        own_operations=[each for key, each in newest.items() if key[2] == own],
        follows=parts.asked_in.get(question.follow_up_to_id) if question.follow_up_to_id else None,
    )


def _newest_per_subject(operations: list[Operation]) -> dict[tuple[str, str, str], Operation]:
    newest: dict[tuple[str, str, str], Operation] = {}
    for operation in operations:
        key = (operation.kind, operation.subject_type, operation.subject_id)
        newest.setdefault(key, operation)
    return newest


def _by(rows: Iterable[Any], attribute: str) -> defaultdict[Any, list[Any]]:
    grouped: defaultdict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[getattr(row, attribute)].append(row)
    return grouped

"""The status of a session as a condition: whoever looks for sessions by it cannot read them all.

`SessionDetail.status` words the status of a session that was read; a test holds the two together.
"""

from __future__ import annotations

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Replace

from interview_app.models import Answer, InterviewSession, Question, SessionSummary
from interview_app.queries import (
    CANCELLED,
    FAILED,
    FOLLOW_UP_QUESTION,
    QUESTION_GENERATION,
    SESSION_SUMMARY,
)
from operations.models import Operation

LABELS = {
    "needs_attention": "Needs attention",
    "preparing": "Preparing",
    "ready": "Ready",
    "in_progress": "In progress",
    "finishing": "Finishing",
    "finished": "Finished",
}


def sessions_having(status: str) -> QuerySet[InterviewSession]:
    """Those with one of LABELS."""
    sessions = InterviewSession.objects.order_by()
    if status == "needs_attention":
        return sessions.filter(_needs_attention())
    return sessions.filter(_GOING_WELL[status]).exclude(_needs_attention())


_QUESTIONS = Exists(Question.objects.filter(session=OuterRef("pk")))
_ANSWERS = Exists(Answer.objects.filter(question__session=OuterRef("pk")))
_UNFINISHED = Q(finished_at=None, finish_requested_at=None)

_GOING_WELL = {
    "preparing": _UNFINISHED & ~Q(_QUESTIONS),
    "ready": _UNFINISHED & Q(_QUESTIONS) & ~Q(_ANSWERS),
    "in_progress": _UNFINISHED & Q(_QUESTIONS) & Q(_ANSWERS),
    "finishing": Q(finished_at=None, finish_requested_at__isnull=False),
    "finished": Q(finished_at__isnull=False),
}


def _needs_attention() -> Q:
    """The newest operation of one of its parts has stopped, and the part is missing."""
    failed = _newest().filter(status=FAILED).exclude(Exists(_older_answer()))
    of_session = _newest().filter(subject_type="session", status=CANCELLED)
    summary = SessionSummary.objects.filter(session=OuterRef("pk"))
    return (
        Q(Exists(failed.exclude(kind=FOLLOW_UP_QUESTION)))
        | Q(Exists(failed.filter(kind=FOLLOW_UP_QUESTION)), finish_requested_at=None)
        | Q(Exists(of_session.filter(kind=QUESTION_GENERATION))) & ~Q(_QUESTIONS)
        | Q(Exists(of_session.filter(kind=SESSION_SUMMARY))) & ~Q(Exists(summary))
    )


def _newest() -> QuerySet[Operation]:
    """Of each kind and subject in the session."""
    same = {name: OuterRef(name) for name in ("session_id", "kind", "subject_type", "subject_id")}
    newer = Operation.objects.filter(
        Q(created_at__gt=OuterRef("created_at"))
        | Q(created_at=OuterRef("created_at"), id__gt=OuterRef("id")),
        **same,
    )
    return Operation.objects.filter(session_id=OuterRef("pk")).exclude(Exists(newer)).order_by()


def _older_answer() -> QuerySet[Answer]:
    """That the operation is about: its question was answered again."""
    newer = Answer.objects.filter(question=OuterRef("question"), number__gt=OuterRef("number"))
    # SQLite keeps a UUID without its dashes, PostgreSQL casts it with them.
    own = Replace(Cast("pk", CharField()), Value("-"), Value(""))
    asked = Replace(OuterRef("subject_id"), Value("-"), Value(""))
    answers = Answer.objects.filter(question__session=OuterRef("session_id")).order_by()
    return answers.annotate(digits=own).filter(Exists(newer), digits=asked)

"""An interview like the real thing: one question at a time, each with a timer that can be paused.

One timer of a session runs at a time. After the end was asked for nothing here does anything.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from interview_app.models import Question, QuestionTimer
from interview_app.services import locked_session
from interview_app.timers import stop_timers


def open_question(*, question: Question) -> None:
    """Starts its timer, the first time; that of another question stops. Raises SessionDeleted."""
    with transaction.atomic():
        if _is_over(question) or QuestionTimer.objects.filter(question=question).exists():
            return
        _stop_all(question)
        QuestionTimer.objects.create(question=question, running_since=timezone.now())


def pause_timer(*, question: Question) -> None:
    with transaction.atomic():
        if not _is_over(question):
            _stop_all(question)


def resume_timer(*, question: Question) -> None:
    """Goes on where it stood; that of another question stops."""
    with transaction.atomic():
        if _is_over(question):
            return
        _stop_all(question)
        QuestionTimer.objects.filter(question=question).update(running_since=timezone.now())


def _is_over(question: Question) -> bool:
    return locked_session(question.session_id).shows_feedback


def _stop_all(question: Question) -> None:
    of_session = QuestionTimer.objects.filter(question__session=question.session_id)
    stop_timers(of_session, now=timezone.now())

"""What changed from one answer, or one practice, to the next."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from interview_app.comparison import are_comparable, compare_practices, criteria_rows
from interview_app.models import Answer, Feedback
from interview_app.queries import session_details, sessions_of
from interview_app.views.live import own_page
from interview_app.views.ownership import signed_in_user
from interview_app.word_diff import word_diff


@own_page
def compare_answers(request: HttpRequest, answer_id: UUID, earlier_id: UUID) -> HttpResponse:
    """Any two of one's own: to one question, or to the same one in a practice and its retake."""
    now, before = (_own_answer(request, each) for each in (answer_id, earlier_id))
    old, new = _feedback(before), _feedback(now)
    context = {
        "now": now,
        "before": before,
        "session": now.question.session,
        "pieces": word_diff(before.text, now.text),
        "rows": criteria_rows(old, new) if old and new and are_comparable(old, new) else [],
        "old": old,
        "new": new,
    }
    return render(request, "interview_app/compare_answers.html", context)


@own_page
def compare_retake(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """With the practice that it repeats."""
    owned = sessions_of(signed_in_user(request)).select_related("summary")
    now = get_object_or_404(owned, pk=session_id)
    before = owned.filter(pk=now.retake_of_id).first() if now.retake_of_id else None
    if before is None or not (before.shows_feedback and now.shows_feedback):
        raise Http404
    earlier, today = session_details([before, now])
    context = {
        "earlier": earlier,
        "detail": today,
        "session": now,
        "comparison": compare_practices(earlier, today),
    }
    return render(request, "interview_app/compare_practices.html", context)


def _own_answer(request: HttpRequest, answer_id: UUID) -> Answer:
    answers = Answer.objects.select_related("question__session", "feedback")
    return get_object_or_404(
        answers, pk=answer_id, question__session__owner=signed_in_user(request)
    )


def _feedback(answer: Answer) -> Feedback | None:
    """None also while it is held back."""
    shown = answer.question.session.shows_feedback
    return getattr(answer, "feedback", None) if shown else None

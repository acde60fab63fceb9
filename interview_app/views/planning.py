"""The questions of a practice before its first answer: moved, left out, added."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from interview_app.library import save_story, stories_of
from interview_app.library_forms import ChosenStoryForm, OwnQuestionForm
from interview_app.models import ROLE_MAX_LENGTH, Question
from interview_app.planning import add_question, leave_out_question, move_question
from interview_app.queries import SessionDetail
from interview_app.views.ownership import own_session, signed_in_user
from interview_app.views.refused import refuse_in_form, refuse_in_message, refuse_page
from operations.refusals import Refusal

STEPS = {"up": -1, "down": 1}


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def plan_page(request: HttpRequest, session_id: UUID) -> HttpResponse:
    detail = own_session(request, session_id)
    if request.method == "POST":
        return _add(request, detail)
    if not detail.questions or detail.answered_count or detail.session.finish_requested_at:
        return redirect("session", session_id=session_id)
    return _page(request, detail, OwnQuestionForm())


@login_required
@require_POST
def move(request: HttpRequest, question_id: UUID) -> HttpResponse:
    by = STEPS.get(request.POST.get("to", ""), 0)
    return _change(request, question_id, lambda question: move_question(question=question, by=by))


@login_required
@require_POST
def leave_out(request: HttpRequest, question_id: UUID) -> HttpResponse:
    return _change(request, question_id, lambda question: leave_out_question(question=question))


def _change(
    request: HttpRequest, question_id: UUID, verb: Callable[[Question], None]
) -> HttpResponse:
    own = Question.objects.filter(session__owner=signed_in_user(request))
    question = get_object_or_404(own, pk=question_id)
    try:
        verb(question)
    except Refusal as refusal:
        refuse_in_message(request, refusal)
    return redirect(f"{reverse('plan', args=[question.session_id])}#question-{question.pk}")


def _add(request: HttpRequest, detail: SessionDetail) -> HttpResponse:
    if "story" in request.POST:
        return _add_from_library(request, detail)
    form = OwnQuestionForm(request.POST)
    if not form.is_valid():
        return _page(request, detail, form, status=400)
    text, competency = form.cleaned_data["text"], form.cleaned_data["competency"]
    try:
        question = add_question(session=detail.session, text=text, competency=competency)
        if form.cleaned_data["keep"]:
            save_story(
                owner=signed_in_user(request),
                title=" ".join(text.split())[:ROLE_MAX_LENGTH],
                question=text,
                competency=competency,
            )
    except Refusal as refusal:
        return refuse_page(_page(request, detail, refuse_in_form(form, refusal)), refusal)
    return _to(question)


def _add_from_library(request: HttpRequest, detail: SessionDetail) -> HttpResponse:
    form = ChosenStoryForm(request.POST)
    chosen = form.cleaned_data["story"] if form.is_valid() else None
    story = get_object_or_404(stories_of(signed_in_user(request)).exclude(question=""), pk=chosen)
    try:
        question = add_question(
            session=detail.session, text=story.question, competency=story.competency
        )
    except Refusal as refusal:
        refuse_in_message(request, refusal)
        return redirect("plan", session_id=detail.session.pk)
    return _to(question)


def _to(question: Question) -> HttpResponse:
    return redirect(f"{reverse('plan', args=[question.session_id])}#question-{question.pk}")


def _page(
    request: HttpRequest, detail: SessionDetail, form: OwnQuestionForm, status: int = 200
) -> HttpResponse:
    context = {
        "detail": detail,
        "session": detail.session,
        "form": form,
        "stories": stories_of(signed_in_user(request)).exclude(question="").only("title"),
    }
    return render(request, "interview_app/plan.html", context, status=status)

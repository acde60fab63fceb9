"""One question: reading it, drafting, answering, the feedback to each answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from interview_app.follow_ups import ask_follow_up
from interview_app.forms import AnswerForm, DraftForm
from interview_app.models import MAX_ANSWERS, Answer, Draft, Question
from interview_app.queries import AnswerDetail, QuestionDetail, SessionDetail
from interview_app.second_opinions import ask_second_opinion
from interview_app.services import save_answer, save_draft
from interview_app.templatetags.interview import clock
from interview_app.views.live import live_fragment
from interview_app.views.ownership import own_answer, own_question, signed_in_user
from interview_app.views.refused import refuse_in_form, refuse_in_message
from operations.credentials import is_simulated
from operations.errors import Category
from operations.errors.simulated_faults import fault_model
from operations.models import Door
from operations.refusals import Refusal

EARLIER_PER_PAGE = 4


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def question_page(request: HttpRequest, question_id: UUID) -> HttpResponse:
    detail, part = own_question(request, question_id)
    if request.method == "POST":
        return _save(request, detail, part)
    form = AnswerForm(initial={"text": _draft_text(part), "form_key": uuid4()})
    return _page(request, detail, part, form)


@live_fragment
def question_live(request: HttpRequest, question_id: UUID) -> HttpResponse:
    detail, part = own_question(request, question_id)
    return render(request, "interview_app/_question_live.html", _context(detail, part))


@login_required
@require_POST
def draft(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Saves what is typed so far: JSON for the script, the page again for the button."""
    detail, part = own_question(request, question_id)
    wants_json = request.headers.get("Accept") == "application/json"
    form = DraftForm(request.POST)
    if not form.is_valid():
        if wants_json:
            return JsonResponse({"error": form.errors["text"][0]}, status=400)
        return _page(request, detail, part, _answer_form(request), status=400)
    try:
        saved = save_draft(question=part.question, text=form.cleaned_data["text"])
    except Refusal as refusal:
        if wants_json:
            return JsonResponse({"error": str(refusal.message)}, status=refusal.status_code)
        answer_form = refuse_in_form(_answer_form(request), refusal)
        return _page(request, detail, part, answer_form, status=refusal.status_code)
    return _draft_saved(request, saved, wants_json)


@login_required
@require_POST
def insist(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    """Sends an answer that code held back as not scorable, as a further answer."""
    answer = own_answer(request, answer_id)
    try:
        save_answer(
            question=answer.question,
            text=answer.text,
            insist=True,
            form_key=uuid5(answer.pk, "insist"),
            door=Door.PAGE,
        )
    except Refusal as refusal:
        refuse_in_message(request, refusal)
    return redirect("question", question_id=answer.question_id)


@login_required
@require_POST
def follow_up(request: HttpRequest, question_id: UUID) -> HttpResponse:
    _detail, part = own_question(request, question_id)
    try:
        ask_follow_up(question=part.question, door=Door.PAGE)
    except Refusal as refusal:
        refuse_in_message(request, refusal)
    return redirect("question", question_id=question_id)


@login_required
@require_POST
def second_opinion(request: HttpRequest, question_id: UUID) -> HttpResponse:
    _detail, part = own_question(request, question_id)
    try:
        ask_second_opinion(question=part.question, door=Door.PAGE)
    except Refusal as refusal:
        refuse_in_message(request, refusal)
    return redirect("question", question_id=question_id)


def _save(request: HttpRequest, detail: SessionDetail, part: QuestionDetail) -> HttpResponse:
    form = _answer_form(request)
    if not form.is_valid():
        return _page(request, detail, part, form, status=400)
    try:
        answer, _operation = save_answer(
            question=part.question,
            text=form.cleaned_data["text"],
            model=_failing_model(request, form.cleaned_data["failure"]),
            form_key=form.submission_key(),
            door=Door.PAGE,
        )
    except Refusal as refusal:
        form = refuse_in_form(form, refusal)
        return _page(request, detail, part, form, status=refusal.status_code)
    _tell_saved(request, part.question, answer)
    return _go_on(request, detail, part)


def _may_see_failures(request: HttpRequest) -> bool:
    """Who looks at what it does, not who practises."""
    return is_simulated() and (settings.DEBUG or signed_in_user(request).is_staff)


def _failing_model(request: HttpRequest, failure: str) -> str:
    return fault_model(Category(failure)) if failure and _may_see_failures(request) else ""


def _draft_text(part: QuestionDetail) -> str:
    # The last autosave may arrive after the answer itself: the same words are no draft.
    text = part.draft.text if part.draft else ""
    return "" if any(each.answer.text == text for each in part.answers) else text


def _answer_form(request: HttpRequest) -> AnswerForm:
    return AnswerForm(request.POST)


def _tell_saved(request: HttpRequest, question: Question, answer: Answer) -> None:
    sentence = _("Your answer to question {number} is saved ({time}).")
    messages.success(
        request, format_html(sentence, number=question.number, time=clock(answer.created_at))
    )


def _go_on(request: HttpRequest, detail: SessionDetail, part: QuestionDetail) -> HttpResponse:
    if request.POST.get("then") == "stay":
        return redirect("question", question_id=part.question.pk)
    following = _next_unanswered(detail, part)
    if following is None:
        return redirect("session", session_id=detail.session.pk)
    return redirect("question", question_id=following.question.pk)


def _next_unanswered(detail: SessionDetail, part: QuestionDetail) -> QuestionDetail | None:
    """The next one without an answer, from this question on and then from the first."""
    here = detail.questions.index(part)
    in_order = detail.questions[here + 1 :] + detail.questions[:here]
    return next((each for each in in_order if not each.answers), None)


def _draft_saved(request: HttpRequest, saved: Draft, wants_json: bool) -> HttpResponse:
    if wants_json:
        return JsonResponse({"saved_at": saved.saved_at.isoformat()})
    messages.success(
        request, format_html(_("Your draft is saved ({time})."), time=clock(saved.saved_at))
    )
    return redirect("question", question_id=saved.question_id)


def _page(
    request: HttpRequest,
    detail: SessionDetail,
    part: QuestionDetail,
    form: AnswerForm,
    status: int = 200,
) -> HttpResponse:
    context = {
        **_context(detail, part),
        "form": form,
        "earlier": _earlier_answers(request, part),
        "may_answer": len(part.answers) < MAX_ANSWERS,
        "may_see_failures": _may_see_failures(request),
    }
    return render(request, "interview_app/question.html", context, status=status)


def _context(detail: SessionDetail, part: QuestionDetail) -> dict[str, Any]:
    here = detail.questions.index(part)
    return {
        "detail": detail,
        "session": detail.session,
        "part": part,
        "question": part.question,
        "newest": part.newest,
        "previous": detail.questions[here - 1] if here else None,
        "next": detail.questions[here + 1] if here + 1 < len(detail.questions) else None,
        "shows_feedback": detail.session.shows_feedback,
        "unfinished": any(not each.is_final for each in part.operations),
    }


def _earlier_answers(request: HttpRequest, part: QuestionDetail) -> Page[AnswerDetail]:
    """Those before the newest, newest first. They stand outside of the live part: what is polled
    must not grow with every answer."""
    return Paginator(part.answers[-2::-1], EARLIER_PER_PAGE).get_page(request.GET.get("earlier"))

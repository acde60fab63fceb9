"""One question: reading it, drafting, answering, the feedback to each answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import NON_FIELD_ERRORS
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from interview_app.drafts import version_of
from interview_app.follow_ups import ask_follow_up
from interview_app.forms import AnswerForm, DraftForm
from interview_app.models import MAX_ANSWERS, Answer, Draft, Question
from interview_app.queries import AnswerDetail, QuestionDetail, SessionDetail
from interview_app.real_mode import open_question, pause_timer, resume_timer
from interview_app.refusals import DraftChanged, SessionDeleted
from interview_app.second_opinions import ask_second_opinion
from interview_app.services import save_answer, save_draft
from interview_app.templatetags.interview import clock
from interview_app.timers import Clock, clock_of
from interview_app.views.dictation import with_dictation
from interview_app.views.live import live_fragment
from interview_app.views.ownership import own_answer, own_question, signed_in_user
from interview_app.views.refused import refuse_in_form, refuse_in_message
from interview_app.views.typed import keeps_typed_words
from operations.credentials import is_simulated
from operations.errors import Category
from operations.errors.simulated_faults import fault_model
from operations.models import Door
from operations.refusals import Refusal

EARLIER_PER_PAGE = 4
TIMER_VERBS = {"pause": pause_timer, "resume": resume_timer}


@never_cache
@keeps_typed_words
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def question_page(request: HttpRequest, question_id: UUID) -> HttpResponse:
    detail, part = own_question(request, question_id)
    if request.method == "POST":
        return _save(request, detail, part)
    if part not in detail.readable_questions:
        messages.info(request, _("One question at a time: this one comes later."))
        return redirect("session", session_id=detail.session.pk)
    if not detail.session.shows_feedback and not part.is_open:
        detail, part = _opened(request, part)
    form = AnswerForm(initial={"text": _draft_text(part), "form_key": uuid4()})
    return _page(request, detail, part, form)


@live_fragment
def question_live(request: HttpRequest, question_id: UUID) -> HttpResponse:
    detail, part = own_question(request, question_id)
    return render(request, "interview_app/_question_live.html", _context(detail, part))


@keeps_typed_words
@login_required
@require_POST
def draft(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Saves what is typed so far: JSON for the script, the page again for the button. The buttons
    of the timer save too: nobody loses words by pausing."""
    detail, part = own_question(request, question_id)
    wants_json = request.headers.get("Accept") == "application/json"
    form = DraftForm(request.POST)
    if not form.is_valid():
        if wants_json:
            return JsonResponse({"error": next(iter(form.errors.values()))[0]}, status=400)
        return _page(request, detail, part, _answer_form(request), status=400)
    try:
        saved = save_draft(question=part.question, text=form.cleaned_data["text"], tab=form.tab())
        if verb := TIMER_VERBS.get(request.POST.get("timer", "")):
            verb(question=part.question)
    except Refusal as refusal:
        if wants_json:
            return _refused_as_json(refusal)
        answer_form = refuse_in_form(_answer_form(request), refusal)
        return _page(request, detail, part, answer_form, status=refusal.status_code)
    if wants_json:
        seen = {"saved_at": version_of(saved), "answers": len(part.answers)}
        return JsonResponse(seen)
    return _draft_saved(request, saved)


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
            tab=form.tab(),
            spoken=form.spoken(),
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
        request,
        format_html(sentence, number=question.number, time=clock(answer.created_at)),
        # Now the script forgets what it kept of it in the browser.
        extra_tags="answer-saved",
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


def _opened(request: HttpRequest, part: QuestionDetail) -> tuple[SessionDetail, QuestionDetail]:
    try:
        open_question(question=part.question)
    except SessionDeleted:
        raise Http404 from None
    return own_question(request, part.question.pk)


def _refused_as_json(refusal: Refusal) -> JsonResponse:
    told = {"error": str(refusal.message), "code": refusal.code}
    if isinstance(refusal, DraftChanged):
        told |= {"text": refusal.draft.text, "saved_at": version_of(refusal.draft)}
    return JsonResponse(told, status=refusal.status_code)


def _draft_saved(request: HttpRequest, saved: Draft) -> HttpResponse:
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
        "may_see_failures": _may_see_failures(request),
        "draft_seen": version_of(part.draft),
        "is_draft_changed": form.has_error(NON_FIELD_ERRORS, DraftChanged.code),
        "again": "again" in request.GET or form.is_bound or bool(form["text"].value()),
        **_clocks(detail, part),
    }
    page = render(request, "interview_app/question.html", context, status=status)
    return with_dictation(page)


def _clocks(detail: SessionDetail, part: QuestionDetail) -> dict[str, Clock]:
    """Of this question and of all; none where nothing is timed."""
    if detail.session.shows_feedback or part.timer is None:
        return {}
    now = timezone.now()
    all_timers = [each.timer for each in detail.questions if each.timer]
    return {
        "clock": clock_of([part.timer], questions=1, now=now),
        "clock_of_all": clock_of(all_timers, questions=len(detail.questions), now=now),
    }


def _context(detail: SessionDetail, part: QuestionDetail) -> dict[str, Any]:
    here = detail.questions.index(part)
    shows_feedback = detail.session.shows_feedback
    return {
        "detail": detail,
        "session": detail.session,
        "part": part,
        "question": part.question,
        "newest": part.newest,
        "before_newest": part.answers[-2] if len(part.answers) > 1 else None,
        "previous": detail.questions[here - 1] if here else None,
        "next": detail.questions[here + 1] if here + 1 < len(detail.questions) else None,
        "readable": {each.question.pk for each in detail.readable_questions},
        "may_answer": len(part.answers) < MAX_ANSWERS,
        "shows_feedback": shows_feedback,
        # What is held back is not waited for.
        "unfinished": shows_feedback and any(not each.is_final for each in part.operations),
    }


def _earlier_answers(request: HttpRequest, part: QuestionDetail) -> Page[AnswerDetail]:
    """Those before the newest, newest first. They stand outside of the live part: what is polled
    must not grow with every answer."""
    return Paginator(part.answers[-2::-1], EARLIER_PER_PAGE).get_page(request.GET.get("earlier"))

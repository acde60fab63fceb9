"""One practice: its page, its end, its summary."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from interview_app.forms import KeyedForm
from interview_app.queries import SessionDetail
from interview_app.services import (
    ask_missing_questions,
    delete_session,
    finish_session,
    retake_session,
)
from interview_app.sharing import link_of, token_of
from interview_app.views.live import live_fragment, own_page
from interview_app.views.ownership import own_session, signed_in_user
from interview_app.views.refused import refuse_in_message
from operations.models import Door
from operations.refusals import Refusal


@own_page
def session_page(request: HttpRequest, session_id: UUID) -> HttpResponse:
    context = _context(own_session(request, session_id))
    context["retake"] = KeyedForm(initial={"form_key": uuid4()})
    return render(request, "interview_app/session.html", context)


@live_fragment
def session_live(request: HttpRequest, session_id: UUID) -> HttpResponse:
    context = _context(own_session(request, session_id))
    return render(request, "interview_app/_session_live.html", context)


@own_page
def summary_page(request: HttpRequest, session_id: UUID) -> HttpResponse:
    detail = own_session(request, session_id)
    if detail.session.finish_requested_at is None:
        return redirect("session", session_id=session_id)
    link = link_of(detail.session)
    address = reverse("shared", args=[token_of(link)]) if link else ""
    shared = {"link": link, "link_address": request.build_absolute_uri(address)}
    return render(request, "interview_app/summary.html", _context(detail) | shared)


@own_page
def print_page(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """All of a finished practice on one page, for paper or a PDF."""
    detail = own_session(request, session_id, with_answer_texts=True)
    if detail.session.finish_requested_at is None:
        return redirect("session", session_id=session_id)
    return render(request, "interview_app/print.html", _context(detail))


@live_fragment
def summary_live(request: HttpRequest, session_id: UUID) -> HttpResponse:
    context = _context(own_session(request, session_id))
    return render(request, "interview_app/_summary_live.html", context)


@login_required
@require_POST
def ask_missing(request: HttpRequest, session_id: UUID) -> HttpResponse:
    detail = own_session(request, session_id)
    try:
        ask_missing_questions(session=detail.session, door=Door.PAGE)
    except Refusal as refusal:
        refuse_in_message(request, refusal)
    return redirect("session", session_id=session_id)


@login_required
@require_POST
def finish(request: HttpRequest, session_id: UUID) -> HttpResponse:
    detail = own_session(request, session_id)
    try:
        finish_session(session=detail.session, door=Door.PAGE)
    except Refusal as refusal:
        refuse_in_message(request, refusal)
        return redirect("session", session_id=session_id)
    return redirect("summary", session_id=session_id)


@login_required
@require_POST
def retake(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """The same interview once more, at once: a double click finds the one that it started."""
    detail, form = own_session(request, session_id), KeyedForm(request.POST)
    form_key = form.submission_key() if form.is_valid() else None
    try:
        session, _operation = retake_session(
            session=detail.session, form_key=form_key, door=Door.PAGE
        )
    except Refusal as refusal:
        refuse_in_message(request, refusal)
        return redirect("session", session_id=session_id)
    return redirect("session", session_id=session.pk)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, session_id: UUID) -> HttpResponse:
    detail = own_session(request, session_id)
    if request.method != "POST":
        return render(request, "interview_app/delete_session.html", _context(detail))
    delete_session(session=detail.session, actor=signed_in_user(request), door=Door.PAGE)
    messages.success(request, _("The practice and everything you wrote in it are deleted."))
    return redirect("my_practice")


def _context(detail: SessionDetail) -> dict[str, Any]:
    return {
        "detail": detail,
        "session": detail.session,
        "unfinished": detail.has_unfinished_operations,
    }

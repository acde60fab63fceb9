"""A forgotten password: asking for a link, and what it leads to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from interview_app.forms import ForgottenPasswordForm, ResetPasswordForm
from interview_app.password_reset import (
    ask_for_reset,
    person_of_link,
    person_of_proof,
    proof_of,
)

PROOF = "password_reset"
"""In the session."""


def where_mail_is_sent(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def page(request: HttpRequest, **arguments: Any) -> HttpResponse:
        if not settings.PASSWORD_RESET_BY_MAIL:
            raise Http404
        return view(request, **arguments)

    return page


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@where_mail_is_sent
def forgotten_password(request: HttpRequest) -> HttpResponse:
    """Raises `TooOften` and `MailBusy`, for the page that says when."""
    form = ForgottenPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        ask_for_reset(request, address=form.cleaned_data["email"])
        messages.success(
            request,
            _("If an account has this address, a mail with a link is on its way."),
        )
        return redirect("login")
    status = 400 if form.errors else 200
    return render(request, "registration/forgotten_password.html", {"form": form}, status=status)


@sensitive_variables("token")
@never_cache
@require_safe
@where_mail_is_sent
def reset_link(request: HttpRequest, person_id: UUID, token: str) -> HttpResponse:
    """Leads on to an address without the token, which then is in no history and no Referer."""
    person = person_of_link(person_id, token)
    if person is None:
        return _link_of_no_use(request)
    # A session that somebody else knows must not become one that may set a password.
    request.session.cycle_key()
    request.session[PROOF] = proof_of(person)
    return redirect("reset_password", person_id=person_id)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@where_mail_is_sent
def reset_password(request: HttpRequest, person_id: UUID) -> HttpResponse:
    person = person_of_proof(person_id, request.session.get(PROOF, {}))
    return _link_of_no_use(request) if person is None else _choose(request, person)


def _link_of_no_use(request: HttpRequest) -> HttpResponse:
    return render(request, "registration/reset_password.html", status=400)


def _choose(request: HttpRequest, person: User) -> HttpResponse:
    form = ResetPasswordForm(person, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        request.session.flush()
        messages.success(request, _("Your password is changed. Please sign in with it."))
        return redirect("login")
    status = 400 if form.errors else 200
    return render(request, "registration/reset_password.html", {"form": form}, status=status)

"""Signing up, in and out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from interview_app.accounts import (
    check_own_password,
    chosen_language,
    count_sign_up,
    delete_account,
    is_visitor,
    newest_check,
    sign_out_everywhere,
)
from interview_app.forms import (
    ChangePasswordForm,
    OwnKeyForm,
    OwnPasswordForm,
    SignInForm,
    SignUpForm,
)
from interview_app.models import AccessToken
from interview_app.settings_forms import LanguageForm, ProfileForm
from interview_app.tokens import revoke_token, revoke_tokens, tokens_of
from interview_app.views.live import own_page
from interview_app.views.ownership import signed_in_user
from interview_app.views.paths import next_path
from interview_app.views.refused import refuse_page
from operations.budgets import month_of_person
from operations.models import Door
from operations.own_keys import host_of, is_paused, own_key_of
from operations.queries import operation_message


class SignIn(LoginView):
    form_class = SignInForm
    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        return next_path(self.request, default="my_practice")

    def form_invalid(self, form: SignInForm) -> HttpResponse:  # type: ignore[override]
        page = super().form_invalid(form)
        return refuse_page(page, form.refusal) if form.refusal else page


class SignOut(LogoutView):
    next_page = "home"


class ChangePassword(PasswordChangeView):
    """This browser stays signed in; every other one, and every token, is out."""

    form_class = ChangePasswordForm
    template_name = "registration/change_password.html"
    success_url = reverse_lazy("change_password")

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(
            self.request, _("Your password is changed. Everywhere else you are signed out.")
        )
        return super().form_valid(form)


@sensitive_post_parameters()
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def leave_everywhere(request: HttpRequest) -> HttpResponse:
    form = OwnPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            sign_out_everywhere(
                person=signed_in_user(request), password=form.cleaned_data["password"]
            )
        except ValidationError as wrong:
            form.add_error(None, wrong)
        else:
            logout(request)
            messages.success(request, _("You are signed out everywhere."))
            return redirect("home")
    status = 400 if form.errors else 200
    return render(request, "registration/leave_everywhere.html", {"form": form}, status=status)


@own_page
def my_account(request: HttpRequest) -> HttpResponse:
    return account_page(request)


def account_page(
    request: HttpRequest,
    *,
    profile: ProfileForm | None = None,
    key_form: OwnKeyForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """All settings, with the form that was sent and refused in its place."""
    person = signed_in_user(request)
    key = own_key_of(person.pk)
    check = newest_check(person, since=key.saved_at) if key else None
    context = {
        "tokens": tokens_of(person),
        "month": month_of_person(person.pk),
        "key_form": key_form or OwnKeyForm(),
        "own_key": key,
        "own_host": host_of(key) if key else "",
        "is_key_paused": bool(key) and is_paused(person.pk),
        "key_check": check,
        "key_check_message": operation_message(check) if check else "",
        "profile": profile or ProfileForm(instance=person),
        "language": LanguageForm(initial={"language": chosen_language(person)}),
    }
    return render(request, "registration/my_account.html", context, status=status)


@login_required
@require_POST
def revoke_one(request: HttpRequest, token_id: UUID) -> HttpResponse:
    try:
        revoke_token(person=signed_in_user(request), token_id=token_id)
    except AccessToken.DoesNotExist:
        raise Http404 from None
    messages.success(request, _("The access token is revoked."))
    return redirect("my_account")


@login_required
@require_POST
def revoke_all(request: HttpRequest) -> HttpResponse:
    revoke_tokens(person=signed_in_user(request))
    messages.success(request, _("All access tokens are revoked."))
    return redirect("my_account")


@sensitive_post_parameters()
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete_my_account(request: HttpRequest) -> HttpResponse:
    person, form = signed_in_user(request), OwnPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            check_own_password(person, form.cleaned_data["password"])
        except ValidationError as wrong:
            form.add_error(None, wrong)
        else:
            delete_account(person=person, actor=person, door=Door.PAGE)
            logout(request)
            messages.success(request, _("Your account and everything you wrote are deleted."))
            return redirect("home")
    status = 400 if form.errors else 200
    return render(request, "registration/delete_account.html", {"form": form}, status=status)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    if not settings.REGISTRATION_OPEN:
        raise Http404
    # Who tries it without an account keeps what is there: the same person, with a name now.
    visitor = signed_in_user(request) if is_visitor(request.user) else None
    if request.user.is_authenticated and visitor is None:
        return redirect("my_practice")
    if request.method == "POST":
        count_sign_up(request)
    offered = {"username": ""} if visitor else None
    form = SignUpForm(request.POST or None, instance=visitor, initial=offered)
    if request.method == "POST" and form.is_valid():
        login(request, form.save())
        return redirect(next_path(request, default="my_practice" if visitor else "new_practice"))
    context = {"form": form, "next": request.POST.get("next") or request.GET.get("next") or ""}
    status = 400 if form.errors else 200
    return render(request, "registration/sign_up.html", context, status=status)

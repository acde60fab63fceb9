"""What a person changes about themselves: name, address, the language of the pages."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from interview_app import accounts
from interview_app.accounts import is_visitor
from interview_app.settings_forms import LanguageForm, ProfileForm
from interview_app.views.accounts import account_page
from interview_app.views.ownership import signed_in_user
from interview_app.views.paths import next_path


@sensitive_post_parameters()
@login_required
@require_POST
def save_profile(request: HttpRequest) -> HttpResponse:
    # The page goes on to show the name that is stored, not the one that was refused.
    person = User.objects.get(pk=signed_in_user(request).pk)
    if is_visitor(person):  # without a password a name of one's own would lead nowhere
        return redirect("sign_up")
    form = ProfileForm(request.POST, instance=person)
    if not form.is_valid() or not form.save_if_free():
        return account_page(request, profile=form, status=400)
    messages.success(request, _("Your profile is saved."))
    return redirect("my_account")


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """For this browser in a cookie; for who is signed in, in all of theirs."""
    form = LanguageForm(request.POST)
    onward = redirect(next_path(request, default="home"))
    if not form.is_valid():
        return onward
    language: str = form.cleaned_data["language"]
    if request.user.is_authenticated:
        accounts.choose_language(person=signed_in_user(request), language=language)
        with translation.override(language or translation.get_language()):
            messages.success(request, _("Your choice of language is saved."))
    _remember(onward, language)
    return onward


def _remember(response: HttpResponse, language: str) -> None:
    if not language:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME, samesite="Lax")
        return
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )

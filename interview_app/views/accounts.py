"""Signing up, in and out."""

from __future__ import annotations

from typing import Any

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
from django.views.decorators.http import require_http_methods

from interview_app.accounts import sign_out_everywhere
from interview_app.forms import OwnPasswordForm, SignInForm, SignUpForm
from interview_app.views.ownership import signed_in_user
from interview_app.views.paths import next_path


class SignIn(LoginView):
    form_class = SignInForm
    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        return next_path(self.request, default="my_practice")


class SignOut(LogoutView):
    next_page = "home"


class ChangePassword(PasswordChangeView):
    """This browser stays signed in; every other one, and every token, is out."""

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


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    if not settings.REGISTRATION_OPEN:
        raise Http404
    if request.user.is_authenticated:
        return redirect("my_practice")
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.save())
        return redirect(next_path(request, default="new_practice"))
    context = {"form": form, "next": request.POST.get("next") or request.GET.get("next") or ""}
    status = 400 if form.errors else 200
    return render(request, "registration/sign_up.html", context, status=status)

"""For who has no account yet: the finished example, and trying it without one."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from interview_app.accounts import count_sign_up, make_visitor
from interview_app.example import finished_example


@require_safe
def example(request: HttpRequest) -> HttpResponse:
    detail = finished_example()
    return render(
        request, "interview_app/example.html", {"detail": detail, "session": detail.session}
    )


@require_POST
def try_it(request: HttpRequest) -> HttpResponse:
    """A practice at once, under a name that nobody chose: it can be kept by choosing one."""
    if not settings.TRY_WITHOUT_ACCOUNT:
        raise Http404
    if not request.user.is_authenticated:
        count_sign_up(request)
        login(request, make_visitor())
    return redirect(f"{reverse('new_practice')}?example=1")

"""Words that came with a form which cannot be taken any more: shown again, never dropped.

Who is signed out, whose form is from before the last sign-in, or whose practice was deleted gets
them back on a page to copy from. Nothing of it is kept on the server: it is not known whose it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views import csrf

View = Callable[..., HttpResponse]


def keeps_typed_words(view: View) -> View:
    """Stands before `login_required`, which would lead away from what was typed."""

    @functools.wraps(view)
    def kept(request: HttpRequest, *arguments: Any, **ids: Any) -> HttpResponse:
        if not _typed(request):
            return view(request, *arguments, **ids)
        if not request.user.is_authenticated:
            return _signed_out(request)
        try:
            return view(request, *arguments, **ids)
        except Http404:
            return _gone(request)

    return kept


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's own page, unless words would be lost with it."""
    if not _typed(request):
        return csrf.csrf_failure(request, reason)
    if not request.user.is_authenticated:
        return _signed_out(request)
    return _told(request, _("This form has grown too old"), status=403)


def _typed(request: HttpRequest) -> str:
    return request.POST.get("text", "") if request.method == "POST" else ""


def _signed_out(request: HttpRequest) -> HttpResponse:
    return _told(request, _("You were signed out meanwhile"), status=403)


def _gone(request: HttpRequest) -> HttpResponse:
    return _told(request, _("This practice was deleted meanwhile."), status=404)


def _told(request: HttpRequest, title: str, *, status: int) -> HttpResponse:
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"error": title}, status=status)
    # The address of the question itself: its draft has one below.
    place = request.path.removesuffix("draft/")
    context = {"title": title, "typed": _typed(request), "is_gone": status == 404, "place": place}
    return render(request, "interview_app/typed.html", context, status=status)

"""What people and programs get while the database is in trouble: 503, when to try again, and on a
page what they typed, to be sent again with one click.

A view's error comes to the middleware; what fails around a view (a session that cannot be saved)
only to Django's handlers of errors.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.views import defaults

from config import refused
from interview_app.middleware import API_PREFIX
from operations import events
from operations.api.problems import (
    CONTENT_TYPE,
    DATABASE_UNAVAILABLE,
    RETRY_AFTER_SECONDS,
    database_unavailable,
    problem_document,
)
from operations.database import trouble
from operations.database.trouble import is_trouble

MARK = re.compile(r"[A-Za-z0-9_-]{0,40}")


class DatabaseTrouble:
    """Also begins each request on a connection that takes writes, as far as that is known."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        trouble.leave_reader()
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return _unavailable(request, exception) if is_trouble(exception) else None


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`, called while the error is being handled."""
    error = sys.exc_info()[1]
    if error is not None and is_trouble(error):
        return _unavailable(request, error)
    return defaults.server_error(request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler400`. A session that could not be saved is told by Django as one that
    somebody deleted meanwhile."""
    if isinstance(exception, SessionInterrupted):
        update = exception.__context__
        error = update.__context__ if update else None
        if error is not None and is_trouble(error):
            return _unavailable(request, error)
    return refused.bad_request(request, exception)


def _unavailable(request: HttpRequest, error: BaseException) -> HttpResponse:
    events.log_seldom(events.REQUEST_REFUSED, level=logging.WARNING, **trouble.fields(error))
    trouble.leave_connection()
    response = _problem() if request.path.startswith(API_PREFIX) else _page(request)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    response.headers["Cache-Control"] = "no-store"
    return response


def _problem() -> HttpResponse:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    problem = problem_document(status, DATABASE_UNAVAILABLE, database_unavailable())
    return JsonResponse(problem, status=status, content_type=CONTENT_TYPE)


def _page(request: HttpRequest) -> HttpResponse:
    """Rendered without the request: who is signed in is a question for the database."""
    fields = _typed(request)
    context = {
        "fields": fields,
        "may_send_again": fields and _is_from_our_page(request) and not _lacks_something(request),
        "path": request.get_full_path(),
        "csrf_token": get_token(request),
    }
    return HttpResponse(render_to_string("503.html", context), status=503)


@dataclass(frozen=True)
class Typed:
    name: str
    value: str

    @property
    def is_hidden(self) -> bool:
        """A choice or a key of the form: sent again, but nothing that anybody typed."""
        return MARK.fullmatch(self.value) is not None


def _typed(request: HttpRequest) -> list[Typed]:
    return [
        Typed(name, value)
        for name, values in request.POST.lists()
        for value in values
        if name != "csrfmiddlewaretoken" and not _is_secret(name)
    ]


def _lacks_something(request: HttpRequest) -> bool:
    """What a page must not, or cannot, hand back."""
    return bool(request.FILES) or any(map(_is_secret, request.POST))


def _is_secret(name: str) -> bool:
    return "password" in name


def _is_from_our_page(request: HttpRequest) -> bool:
    """Whether Django's own look has come before the error: nobody else's words get our token."""
    return getattr(request, "csrf_processing_done", False)

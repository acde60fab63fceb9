"""What a client reads that no view answers: a body the web server does not wait for (408 and 503),
an address that is too long (414), and a request that Django refuses to look at (400).

Of all but the last, nothing of Django's request cycle has run: no thread is taken, no middleware
has seen it.
"""

from __future__ import annotations

import html
import io
import json
from http import HTTPStatus
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views import defaults

from interview_app.middleware import API_PREFIX
from operations.api.problems import CONTENT_TYPE, problem_document

RETRY_LATER = [("retry-after", "2")]

Answer = tuple[int, list[tuple[str, str]], bytes]


def too_slow(environ: dict[str, Any]) -> Answer:
    with translation.override(_language(environ)):
        detail = _("What you sent took too long to arrive. Send it again.")
    return _answer(environ, HTTPStatus.REQUEST_TIMEOUT, "BODY_TOO_SLOW", detail)


def too_many(environ: dict[str, Any]) -> Answer:
    with translation.override(_language(environ)):
        detail = _("Too much is being sent to this site at the moment. Try again in a few seconds.")
    return _answer(environ, HTTPStatus.SERVICE_UNAVAILABLE, "TOO_MANY_BODIES", detail)


def too_long(environ: dict[str, Any]) -> Answer:
    with translation.override(_language(environ)):
        detail = _("This address is too long.")
    return _answer(environ, HTTPStatus.REQUEST_URI_TOO_LONG, "ADDRESS_TOO_LONG", detail)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A Host that is not ours, say. Programs get what every other error of the API looks like."""
    if not request.path.startswith(API_PREFIX):
        return defaults.bad_request(request, exception)
    detail = _("This request could not be read")
    problem = problem_document(HTTPStatus.BAD_REQUEST, "BAD_REQUEST", detail)
    return JsonResponse(problem, status=400, content_type=CONTENT_TYPE)


def _language(environ: dict[str, Any]) -> str:
    return translation.get_language_from_request(
        WSGIRequest({**environ, "wsgi.input": io.BytesIO()})
    )


def _answer(environ: dict[str, Any], status: HTTPStatus, code: str, detail: str) -> Answer:
    headers = [
        ("connection", "close"),
        ("cache-control", "no-store"),
        *([] if status is HTTPStatus.REQUEST_URI_TOO_LONG else RETRY_LATER),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'"),
    ]
    if environ["PATH_INFO"].startswith(API_PREFIX):
        problem = json.dumps(problem_document(status, code, detail)).encode()
        return int(status), [("content-type", CONTENT_TYPE), *headers], problem
    page = (
        f'<!doctype html><meta charset="utf-8"><title>{status.phrase}</title>'
        f"<p>{html.escape(detail)}</p>"
    )
    return int(status), [("content-type", "text/html; charset=utf-8"), *headers], page.encode()

"""What every response carries: a request id, security headers, and no copy of a private page."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import Error as DatabaseError
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware
from django_structlog.signals import (
    bind_extra_request_failed_metadata,
    bind_extra_request_finished_metadata,
)

from config.refused import bad_request
from interview_app.middleware import API_PREFIX
from interview_app.views.dictation import allows_dictation
from operations.database import trouble
from operations.database.trouble import is_trouble

logger = logging.getLogger("django.security.DisallowedHost")

STARTED_AT = "interview_practice.started_at"
SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")

SECRET_PATHS = ("/shared/", "/password/forgotten/")
"""Beginnings of addresses that let in whoever knows the rest."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class RequestLog(RequestMiddleware):
    """Binds request_id and user_id to all log lines of a request, writes `http.request`, and
    echoes the id. The path is logged without its query string: people's words end up there."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = _request_id(request)
        request.META["HTTP_X_REQUEST_ID"] = request_id
        request.META[STARTED_AT] = time.perf_counter()
        response = cast(HttpResponse, super().__call__(request))
        response["X-Request-ID"] = request_id
        return response

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Who is signed in is a question for the database, and asked for the log alone it must not
        fail what could be answered without one."""
        try:
            RequestMiddleware.bind_user_id(request)
        except DatabaseError as error:
            if not is_trouble(error):
                raise
            trouble.leave_connection()

    def _process_exception(self, request: HttpRequest, exception: Exception) -> None:
        # Has a line of its own, and its stack trace shows where somebody happened to be.
        if not is_trouble(exception):
            super()._process_exception(request, exception)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {without_secret(request.path)}"


def without_secret(path: str) -> str:
    """A path that lets in whoever knows it is logged without what does that."""
    return next((f"{each}..." for each in SECRET_PATHS if path.startswith(each)), path)


def _request_id(request: HttpRequest) -> str:
    """The caller's own id if it is harmless in a log and a header, else a new one."""
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    return given if SAFE_REQUEST_ID.fullmatch(given) else str(uuid.uuid4())


@receiver((bind_extra_request_finished_metadata, bind_extra_request_failed_metadata))
def _add_duration(request: HttpRequest, log_kwargs: dict[str, Any], **_: object) -> None:
    # A request that fails before it reaches RequestLog has no start.
    if STARTED_AT in request.META:
        log_kwargs["duration_ms"] = round((time.perf_counter() - request.META[STARTED_AT]) * 1000)


# Nothing here uses them; a page that somebody managed to change should not either.
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics")
)
MICROPHONE_POLICY = PERMISSIONS_POLICY.replace("microphone=()", "microphone=(self)")
"""Of the pages on which one may dictate: the browser asks the person all the same."""


PATHS_FOR_PROGRAMS = frozenset({"/healthz", "/readyz", "/metrics"})


class ForeignHost:
    """A Host that is not ours, asked for before Django's own middleware does: with DEBUG on that
    answers a program with a page about the exception. Health checks and scrapes are answered
    under any name: their programs ask an address, or send no Host, and no answer holds it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in PATHS_FOR_PROGRAMS:
            request.META["HTTP_HOST"] = own_host()
        if request.path.startswith(API_PREFIX):
            try:
                request.get_host()
            except DisallowedHost as refusal:
                logger.error(str(refusal))  # in Django's words, as for pages
                return bad_request(request, refusal)
        return self.get_response(request)


def own_host() -> str:
    """A name that we answer to."""
    host: str = settings.ALLOWED_HOSTS[0]
    return "localhost" if host == "*" else host.removeprefix(".")


class SecurityHeaders:
    """A content security policy on every response that has none of its own, and to whoever is
    signed in nothing that a cache may keep: on a shared computer "back" would show it later."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # Django's own error pages of a development server carry their style and script inline.
        if not (settings.DEBUG and response.status_code in (404, 500)):
            response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        policy = MICROPHONE_POLICY if allows_dictation(response) else PERMISSIONS_POLICY
        response.headers.setdefault("Permissions-Policy", policy)
        # The cookie tells, without a look into the session.
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            response.headers.setdefault("Cache-Control", "no-store")
        return response

"""What every response carries: a request id, security headers, and no copy of a private page."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware
from django_structlog.signals import (
    bind_extra_request_failed_metadata,
    bind_extra_request_finished_metadata,
)

STARTED_AT = "interview_practice.started_at"
SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")

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
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"


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
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        # The cookie tells, without a look into the session.
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            response.headers.setdefault("Cache-Control", "no-store")
        return response

"""A span for each web request, by opentelemetry-api alone: its method, route, status and id.

Never its query string, nor the parts of a path that let in whoever knows them.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, get_tracer, use_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from config.middleware import PATHS_FOR_PROGRAMS, without_secret
from operations.masking import masked_and_short

LONGEST_PATH = 200
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Any other is a stranger's word."""

tracer = get_tracer("config")
_propagator = TraceContextTextMapPropagator()
NO_TRACE = Context()


class RequestSpan:
    """Goes on with the trace of a caller that names one (`traceparent`)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in PATHS_FOR_PROGRAMS:
            return self.get_response(request)
        span = tracer.start_span(
            _method(request), context=_callers_trace(request), kind=SpanKind.SERVER
        )
        if not span.is_recording():
            return self.get_response(request)
        # By itself it writes what exceptions say into the span.
        with use_span(
            span, end_on_exit=True, record_exception=False, set_status_on_exception=False
        ):
            response = self.get_response(request)
            _describe(span, request, response)
            return response


def _callers_trace(request: HttpRequest) -> Context:
    given = request.META.get("HTTP_TRACEPARENT")
    # Not its `tracestate`: that is text.
    return _propagator.extract({"traceparent": given}, NO_TRACE) if given else NO_TRACE


def _method(request: HttpRequest) -> str:
    return request.method if request.method in METHODS else "HTTP"


def _describe(span: Span, request: HttpRequest, response: HttpResponse) -> None:
    span.set_attributes(
        {
            "http.request.method": request.method if request.method in METHODS else "_OTHER",
            "http.response.status_code": response.status_code,
            "url.scheme": request.scheme or "",
            "url.path": masked_and_short(without_secret(request.path), LONGEST_PATH),
            "request_id": response.headers.get("X-Request-ID", ""),
        }
    )
    if request.resolver_match is not None:
        route = f"/{request.resolver_match.route}"
        span.set_attribute("http.route", route)
        span.update_name(f"{_method(request)} {route}")
    if response.status_code >= 500:
        span.set_attribute("error.type", str(response.status_code))
        span.set_status(StatusCode.ERROR)

"""What a trace shows of an operation: a span for each run, and below it one for each HTTP call.

By opentelemetry-api alone: where no SDK was started (`operations.telemetry`), or the run is not
sampled, all of this is one empty span. A call's attributes are those of the GenAI conventions, our
own have the names that the log uses. Ids, codes and counts: never a prompt, an answer or what an
exception says.
"""

from __future__ import annotations

import functools
from urllib.parse import urlsplit

from django.conf import settings
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Span,
    SpanKind,
    StatusCode,
    get_tracer,
    set_span_in_context,
)

from operations import events
from operations.engine.claims import Claim
from operations.errors import OpenAIServiceError
from operations.kinds import ProviderReply
from operations.models import Operation

OURS = ("operation_id", "operation_kind", "request_id")
PORTS = {"http": 80, "https": 443}

NONE = INVALID_SPAN

tracer = get_tracer("operations")


def of_run(operation: Operation) -> Span:
    """A trace of its own: the request that asked is long answered. `request_id` leads to it."""
    span = tracer.start_span(f"run {operation.kind}", context=Context(), kind=SpanKind.CONSUMER)
    if span.is_recording():
        span.set_attributes({**_ours(operation), "run": operation.run})
    return span


def end_run(span: Span, operation: Operation) -> None:
    """`operation`: the row as this run left it; still running: as others have it now."""
    if span.is_recording():
        span.set_attribute("status", operation.status)
        _note_error(span, operation.error_code)
    span.end()


def of_call(run: Span, claim: Claim) -> Span:
    if not run.is_recording():
        return NONE
    model = claim.request.model or settings.OPENAI_MODEL
    address, port = _server(claim.credential.base_url)
    return tracer.start_span(
        f"chat {model}",
        context=set_span_in_context(run, Context()),
        kind=SpanKind.CLIENT,
        attributes={
            "gen_ai.operation.name": "chat",
            # By the conventions: the dialect that is spoken, whoever speaks it at server.address.
            "gen_ai.provider.name": "simulated" if claim.credential.simulated else "openai",
            "gen_ai.request.model": model,
            "gen_ai.output.type": "json",
            "server.address": address,
            "server.port": port,
            "attempt": claim.operation.attempts,
            **_ours(claim.operation),
        },
    )


def end_call(span: Span, outcome: ProviderReply | OpenAIServiceError | None) -> None:
    """`outcome`: None for a call that was given up."""
    if not span.is_recording():
        return
    if isinstance(outcome, ProviderReply):
        span.set_attribute("gen_ai.response.model", outcome.model)
    elif outcome is None:
        _note_error(span, "cancelled")
    else:
        _note_error(span, outcome.error_code)
    if outcome and outcome.usage:
        span.set_attribute("gen_ai.usage.input_tokens", outcome.usage.input_tokens)
        span.set_attribute("gen_ai.usage.output_tokens", outcome.usage.output_tokens)
    if outcome and outcome.http_status:
        span.set_attribute("http.response.status_code", outcome.http_status)
    if outcome and outcome.provider_request_id:
        span.set_attribute("provider_request_id", outcome.provider_request_id)
    span.end()


def _note_error(span: Span, code: str) -> None:
    """Without a description: there SDKs put messages of exceptions."""
    if code:
        span.set_attribute("error.type", code)
        span.set_status(StatusCode.ERROR)


def _ours(operation: Operation) -> dict[str, str]:
    fields = events.operation_fields(operation)
    return {name: fields[name] for name in OURS if fields[name]}


@functools.lru_cache(maxsize=64)
def _server(base_url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(base_url)
        return parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:  # no address: the call itself says so, in our words
        return "", 0

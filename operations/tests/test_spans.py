"""What a trace shows of operations, by the real SDK, with a provider on a real socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv.attributes import error_attributes, http_attributes, server_attributes
from opentelemetry.trace import SpanKind, StatusCode
from pytest_django import Settings

from operations.engine import spans
from operations.models import Operation
from operations.tests.fault_server import FaultServer
from operations.tests.judgement.kind import PRIVATE, JudgementKind

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Operation]
Seen = Callable[[], list[ReadableSpan]]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Seen:
    """The spans that ended, in that order. The API takes one provider for the whole process, so
    these come by one of the test's own."""
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    monkeypatch.setattr(spans, "tracer", provider.get_tracer("test"))
    settings.OPERATIONS_LEASE_SECONDS = 30  # on a slow machine a short one makes two runs of one
    return lambda: list(memory.get_finished_spans())


def attributes(span: ReadableSpan) -> Mapping[str, Any]:
    assert span.attributes is not None
    return span.attributes


def test_a_run_has_a_span_and_each_of_its_calls_one_below_it(
    submit: Submit, drain: Callable[[], None], provider: FaultServer, seen: Seen
) -> None:
    provider.playing = "server_500,ok"
    operation = submit(parameters={"model": "model-asked-for"})

    drain()

    operation.refresh_from_db()
    refused, answered, run = seen()
    assert (run.name, run.kind, run.parent) == ("run judgement", SpanKind.CONSUMER, None)
    for call in (refused, answered):
        assert (call.name, call.kind) == ("chat model-asked-for", SpanKind.CLIENT)
        assert call.parent == run.context
        assert (
            attributes(call).items()
            >= {
                "operation_id": str(operation.pk),
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "model-asked-for",
                "server.address": "127.0.0.1",
                "server.port": provider.port,
            }.items()
        )
    assert [attributes(call)["attempt"] for call in (refused, answered)] == [1, 2]


def test_spans_say_how_calls_and_runs_ended(
    submit: Submit, drain: Callable[[], None], provider: FaultServer, seen: Seen
) -> None:
    provider.playing = "server_500,ok"
    operation = submit()

    drain()

    operation.refresh_from_db()
    refused, answered, run = seen()
    assert attributes(refused)["error.type"] == "SERVER_ERROR"
    assert attributes(refused)["http.response.status_code"] == 500
    assert refused.status.status_code is StatusCode.ERROR
    used = attributes(answered)
    assert used["gen_ai.response.model"] == operation.model
    assert used["gen_ai.usage.input_tokens"] == operation.input_tokens > 0
    assert used["gen_ai.usage.output_tokens"] == operation.output_tokens > 0
    assert "error.type" not in used
    assert attributes(run)["status"] == "completed"
    assert run.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize(
    ("playing", "broken_in", "code"),
    [
        ("auth_invalid_api_key", "", "INVALID_API_KEY"),
        ("ok", "parse", "INTERNAL_ERROR"),
    ],
)
def test_no_span_repeats_what_was_sent_answered_or_raised(
    playing: str,
    broken_in: str,
    code: str,
    submit: Submit,
    judgement: JudgementKind,
    drain: Callable[[], None],
    provider: FaultServer,
    seen: Seen,
) -> None:
    provider.playing = playing
    judgement.broken_in = broken_in
    submit()

    drain()

    *calls, run = seen()
    assert attributes(run)["error.type"] == code
    assert len(calls) == 1
    for span in (run, *calls):
        assert (span.status.description, list(span.events)) == (None, [])
        written = span.to_json()
        assert "operation_id" in written
        assert not [each for each in (PRIVATE, "sk-proj", "Judge", "strawberry") if each in written]


def test_attributes_have_names_of_the_conventions_or_of_the_log(
    submit: Submit, drain: Callable[[], None], provider: FaultServer, seen: Seen
) -> None:
    provider.playing = "server_500,ok"
    submit()

    drain()

    pages = (gen_ai_attributes, error_attributes, http_attributes, server_attributes)
    known = {value for page in pages for name, value in vars(page).items() if name.isupper()}
    named = {name for span in seen() for name in attributes(span)}
    assert {name for name in named if "." in name} <= known
    assert {name for name in named if "." not in name} == {
        *("operation_id", "operation_kind", "run", "status", "attempt", "provider_request_id")
    }


def test_an_address_that_is_none_is_told_by_the_call(
    submit: Submit,
    drain: Callable[[], None],
    provider: FaultServer,
    seen: Seen,
    settings: Settings,
) -> None:
    settings.OPENAI_BASE_URL = "http://[no-address/v1"
    submit()

    drain()

    assert [attributes(each)["error.type"] for each in seen()] == ["ENDPOINT_NOT_FOUND"] * 2


def test_without_an_sdk_there_is_one_empty_span(
    submit: Submit, drain: Callable[[], None], provider: FaultServer
) -> None:
    assert spans.of_run(submit()) is spans.NONE

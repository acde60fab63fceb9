"""What a span tells of a web request, by the real SDK."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.test import Client
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from config import request_spans

Told = Callable[[], tuple[str, Mapping[str, Any]]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Name and attributes of the one span. The API takes one provider for the whole process, so it
    comes by one of the test's own."""
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    monkeypatch.setattr(request_spans, "tracer", provider.get_tracer("test"))

    def only_one() -> tuple[str, Mapping[str, Any]]:
        (span,) = memory.get_finished_spans()
        return span.name, span.attributes or {}

    return only_one


@pytest.mark.django_db
def test_span_is_named_by_the_route_and_has_the_id_that_is_answered(told: Told) -> None:
    response = Client().get("/api/v1/operations/?search=a-private-word")

    name, attributes = told()
    assert name == "GET /api/v1/operations/"
    assert attributes == {
        "http.request.method": "GET",
        "http.response.status_code": 401,
        "http.route": "/api/v1/operations/",
        "url.path": "/api/v1/operations/",
        "url.scheme": "http",
        "request_id": response["X-Request-ID"],
    }


@pytest.mark.django_db
def test_words_of_strangers_are_in_no_span(told: Told) -> None:
    Client().generic("SK-PROJ-ABCDEFGH", "/nothing/mara@example.org/")

    name, attributes = told()
    assert name.startswith("HTTP")
    assert attributes["http.request.method"] == "_OTHER"
    assert attributes["url.path"] == "/nothing/[masked]/"


def test_programs_that_ask_every_few_seconds_leave_no_span(told: Told) -> None:
    Client().get("/healthz")

    with pytest.raises(ValueError, match="not enough values"):
        told()

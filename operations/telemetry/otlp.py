"""The only importer of OpenTelemetry's SDK: spans leave in batches, as OTLP over HTTP.

Address, headers, time-outs, sampling and the sizes of queue and batch are the SDK's own variables
(OTEL_EXPORTER_OTLP_…, OTEL_TRACES_SAMPLER, OTEL_BSP_…).
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from opentelemetry import trace as opentelemetry
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from operations import trace


def start(role: str) -> Callable[[], object]:
    """Make this process's spans leave it. What sends those that wait; its time is not bounded."""
    provider = TracerProvider(resource=_resource(role), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    opentelemetry.set_tracer_provider(provider)
    return provider.force_flush


def _resource(role: str) -> Resource:
    ours = {
        "service.name": f"interview-practice-{role}",
        "service.version": settings.VERSION,
        "service.instance.id": trace.process(),
    }
    # Resource.create prefers what the code says; here OTEL_SERVICE_NAME has the last word.
    return Resource.create({**ours, **OTELResourceDetector().detect().attributes})

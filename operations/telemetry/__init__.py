"""What this process tells watchers outside: spans to an OpenTelemetry collector, errors to Sentry.

Both are extras. Where their variable is unset nothing of them is imported; where it is set and the
extra is missing a line in the log says so, and the work goes on: what only watches stops nobody.
Each is started by the process that works, after its fork.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.utils.module_loading import import_string
from structlog.typing import EventDict, WrappedLogger

FLUSH_SECONDS = 2.0
"""A watcher that does not answer must not use up the grace of a stop."""

logger = structlog.get_logger("operations")

_reporters: list[Callable[[EventDict], None]] = []
_flushes: list[Callable[[], object]] = []


@functools.cache
def start_spans(role: str) -> None:
    """Send spans to OTEL_EXPORTER_OTLP_ENDPOINT from now on; a second call does nothing."""
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT and (start := _extra("otlp", "telemetry")):
        _flushes.append(start(role))


@functools.cache
def start_reports(role: str) -> None:
    """Send errors to SENTRY_DSN from now on; a second call does nothing."""
    if settings.SENTRY_DSN and (start := _extra("sentry", "sentry")):
        report, flush = start(role)
        _reporters.append(report)
        _flushes.append(flush)


def report(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """A structlog processor: what the log shows with a stack trace is reported as well."""
    for each in _reporters:
        each(event)
    return event


def flush() -> None:
    """Send what still waits, before this process ends or rests: FLUSH_SECONDS at most."""
    # The SDK's own flush knows no time-out.
    threads = [threading.Thread(target=each, daemon=True) for each in _flushes]
    end = time.monotonic() + FLUSH_SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))


def forget() -> None:
    """What was started. For tests."""
    start_spans.cache_clear()
    start_reports.cache_clear()
    _reporters.clear()
    _flushes.clear()


def _extra(module: str, requirements: str) -> Callable[[str], Any] | None:
    try:
        start: Callable[[str], Any] = import_string(f"operations.telemetry.{module}.start")
    except ImportError:
        logger.warning(
            "telemetry.not_installed",
            variable="OTEL_EXPORTER_OTLP_ENDPOINT" if module == "otlp" else "SENTRY_DSN",
            remedy=f"pip install --require-hashes -r requirements/{requirements}.txt",
        )
        return None
    return start

"""Watchers cost nothing where nobody asked for them, and stop nobody where they are not there."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings as project
from pytest_django import Settings
from structlog.testing import capture_logs

from operations import telemetry

LOADED = """
import sys
import config.wsgi, operations.tasks
sdks = ("opentelemetry.sdk", "opentelemetry.exporter", "sentry_sdk")
print([name for name in sdks if name in sys.modules])
"""


@pytest.fixture(autouse=True)
def never_started() -> Iterator[None]:
    telemetry.forget()
    yield
    telemetry.forget()


def test_without_the_variables_no_sdk_is_loaded() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=project.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("variable", "value", "start", "sdk", "requirements"),
    [
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://127.0.0.1:4318",
            telemetry.start_spans,
            "opentelemetry.sdk.trace",
            "telemetry",
        ),
        ("SENTRY_DSN", "http://key@127.0.0.1:9/1", telemetry.start_reports, "sentry_sdk", "sentry"),
    ],
    ids=["OpenTelemetry", "Sentry"],
)
def test_a_missing_extra_is_told_once_and_stops_nobody(
    variable: str,
    value: str,
    start: Callable[[str], None],
    sdk: str,
    requirements: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setattr(settings, variable, value)
    for name in ("otlp", "sentry"):
        monkeypatch.delitem(sys.modules, f"operations.telemetry.{name}", raising=False)
    monkeypatch.setitem(sys.modules, sdk, None)  # as where it is not installed

    with capture_logs() as lines:
        start("web")
        start("web")

    (line,) = lines
    assert (line["event"], line["log_level"]) == ("telemetry.not_installed", "warning")
    assert line["variable"] == variable
    assert line["remedy"].endswith(f"-r requirements/{requirements}.txt")


def test_a_watcher_that_does_not_answer_holds_up_no_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    sent = threading.Event()
    monkeypatch.setattr(telemetry, "_flushes", [answers.wait, sent.set])
    started = time.monotonic()

    telemetry.flush()

    waited = time.monotonic() - started
    answers.set()
    assert sent.is_set()
    assert telemetry.FLUSH_SECONDS <= waited < 10 * telemetry.FLUSH_SECONDS

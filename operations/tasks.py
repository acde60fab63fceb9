"""What django-q2 calls by name. Plain functions: it loops for ever on coroutines (a test forbids
them)."""

from __future__ import annotations

from operations import telemetry
from operations.engine.drain import run_drain


def drain(supervisor: str = "", slots: int = 1) -> None:
    """Run operations until the drain's time is up; returns at once where all slots are taken."""
    telemetry.start_spans("worker")
    telemetry.start_reports("worker")
    try:
        run_drain(supervisor=supervisor, slots=slots)
    finally:
        telemetry.flush()

"""Between two calls of a run: what failed is noted with the wait before the next call, and that one
is noted before it is sent. Runs that are between calls at the same moment are written together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from operations import capabilities, events
from operations.database.clock import noted_now
from operations.engine import failpoints, ledger
from operations.engine.failing import log_failed_attempt
from operations.engine.ledger import CallEnd, key_of
from operations.errors import OpenAIServiceError
from operations.models import Attempt, Operation


@dataclass(frozen=True)
class FailedCall:
    """A call that is sent again after a wait."""

    operation: Operation
    error: OpenAIServiceError
    wait_seconds: float
    duration_ms: int

    def end(self) -> CallEnd:
        return CallEnd(
            self.operation,
            Attempt.Outcome.FAILED,
            error=self.error,
            duration_ms=self.duration_ms,
            wait_seconds=self.wait_seconds,
            # Sent again although the provider may have worked (and billed) already.
            possibly_paid_twice=self.error.maybe_processed,
        )


@dataclass(frozen=True)
class NextCall:
    """A call that is about to be sent."""

    operation: Operation
    model: str


def note_failed_calls(calls: Sequence[FailedCall]) -> list[Operation | None]:
    """End these calls and say when the next ones come. The operations; None for one whose fence is
    not ours any more."""
    now = noted_now()
    ours = ledger.note_backoffs([each.end() for each in calls], at=now)
    noted = [each for each in calls if key_of(each.operation) in ours]
    for each in noted:
        log_failed_attempt(each.operation, each.error, duration_ms=each.duration_ms)
        if each.error.lesson:
            capabilities.keep(each.error.lesson, at=now)
        _log_wait(each)
    return [each.operation if key_of(each.operation) in ours else None for each in calls]


def _log_wait(call: FailedCall) -> None:
    events.log_after_commit(
        events.ATTEMPT_RETRYING,
        level=logging.WARNING,
        attempt=call.operation.attempts,
        category=str(call.error.category),
        error_code=call.error.error_code,
        wait_seconds=round(call.wait_seconds, 3),
        **events.operation_fields(call.operation),
    )


def start_next_calls(calls: Sequence[NextCall]) -> list[Operation | None]:
    """Write the Attempts of these. Their operations as they are then; None for one whose fence is
    not ours any more."""
    started = ledger.start_next_attempts(
        [(each.operation, each.model) for each in calls], at=noted_now()
    )
    if any(started):
        failpoints.reach("in_next_attempt_before_commit")
    return started

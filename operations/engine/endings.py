"""How an operation leaves its worker or the queue: an `Ending`, and the ways to make one.

They say what is to be written and write nothing: that is done by `outcomes.write_endings` alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from operations import events
from operations.engine.ledger import CallEnd, Key, key_of
from operations.errors import RULES, OpenAIServiceError, Usage, error_from_code
from operations.models import Attempt, Door, Operation

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

PENDING = Operation.Status.PENDING
RUNNING = Operation.Status.RUNNING
COMPLETED = Operation.Status.COMPLETED
FAILED = Operation.Status.FAILED
CANCELLED = Operation.Status.CANCELLED


@dataclass(frozen=True)
class Ending:
    """One operation's move from `from_status` under the fence that `operation` has."""

    operation: Operation
    """As its owner knows it. It stays so: a group that is rolled back and tried again must not find
    what its first try left in memory."""
    from_status: str
    to_status: str
    event: str
    values: Mapping[str, Any] = field(default_factory=dict)
    """Of its row, besides what all with this status get."""
    call: CallEnd | None = None
    """How its open call ended, if one is open; None: none can be."""
    usage: Usage | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    door: str = Door.WORKER
    actor: AbstractUser | None = None
    level: int = logging.INFO
    raises_fence: bool = False
    """Shuts out a worker that may still be at it."""
    unless_asked_to_stop: bool = False

    @property
    def key(self) -> Key:
        """The id alone would not do: a drain may hold an operation that it lost and has claimed
        again, and end both runs in one group."""
        return key_of(self.operation)

    @property
    def is_final(self) -> bool:
        return self.to_status != PENDING


def completed(call: CallEnd, *, usage: Usage, simulated: bool) -> Ending:
    """running → completed by the reply that the call brought."""
    return Ending(
        operation=call.operation,
        from_status=RUNNING,
        to_status=COMPLETED,
        event=events.COMPLETED,
        values={"simulated": simulated, "model": usage.model},
        call=call,
        usage=usage,
        detail={"attempt": call.operation.attempts},
    )


def failed(
    operation: Operation,
    error: OpenAIServiceError,
    *,
    at: datetime,
    call: CallEnd | None = None,
    from_status: str = RUNNING,
    door: str = Door.WORKER,
) -> Ending:
    """running → failed (or pending → failed for an expired one) with the error's code."""
    named = {"category": str(error.category), "error_code": error.error_code}
    wait = error.retry_after
    return Ending(
        operation=operation,
        from_status=from_status,
        to_status=FAILED,
        event=events.FAILED,
        values={
            "error_code": error.error_code,
            "error_category": str(error.category),
            "retry_after_at": None if wait is None else at + timedelta(seconds=wait),
        },
        call=call,
        usage=error.usage,
        detail={**named, "attempt": operation.attempts},
        door=door,
        level=RULES[error.error_code].log_level,
    )


def expired(operation: Operation, at: datetime) -> Ending:
    """pending → failed: what waited too long is not wanted any more."""
    error = error_from_code("EXPIRED")
    return failed(operation, error, at=at, from_status=PENDING, door=Door.SWEEP)


def lost(operation: Operation, at: datetime) -> Ending:
    """running → failed: it has cost too many workers."""
    call = lost_call(operation, Attempt.Outcome.LOST)
    return failed(operation, error_from_code("WORKER_LOST"), at=at, call=call, door=Door.SWEEP)


def rescued(operation: Operation) -> Ending:
    """running → pending because the worker's lease ended. The raised fence shuts it out."""
    return _given_back(
        operation,
        event=events.RESCUED,
        waiting=Operation.Waiting.RESCUED,
        values={"losses": operation.losses + 1},
        call=lost_call(operation, Attempt.Outcome.LOST),
        raises_fence=True,
        door=Door.SWEEP,
        level=logging.WARNING,
        more={"lost_worker": operation.worker},
    )


def lost_call(operation: Operation, outcome: str) -> CallEnd:
    """It may have reached the provider before its worker died."""
    return CallEnd(operation, outcome, possibly_paid_twice=True)


def released(operation: Operation, *, call: CallEnd) -> Ending:
    """running → pending at an orderly shutdown: no penalty, claimed again at once."""
    return _given_back(
        operation, event=events.RELEASED, waiting=Operation.Waiting.QUEUED, call=call
    )


def deferred(operation: Operation, *, until: datetime, call: CallEnd) -> Ending:
    """running → pending until the time that a rate limit named."""
    return _given_back(
        operation,
        event=events.DEFERRED,
        waiting=Operation.Waiting.RATE_LIMITED,
        next_attempt_at=until,
        values={"deferrals": operation.deferrals + 1},
        call=call,
    )


def held(operation: Operation, *, call: CallEnd) -> Ending:
    """running → pending behind the pause of its credential, at no cost: another has found it
    refused."""
    return _given_back(
        operation,
        event=events.DEFERRED,
        waiting=Operation.Waiting.QUEUED,
        call=call,
        more={"error_code": call.error.error_code} if call.error else {},
    )


def _given_back(
    operation: Operation,
    *,
    event: str,
    waiting: str,
    call: CallEnd,
    next_attempt_at: datetime | None = None,
    values: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
    **others: Any,
) -> Ending:
    own = {"next_attempt_at": next_attempt_at, "waiting_reason": waiting, **(values or {})}
    losses = own.get("losses", operation.losses)
    return Ending(
        operation=operation,
        from_status=RUNNING,
        to_status=PENDING,
        event=event,
        values=own,
        call=call,
        detail={"losses": losses, "attempt": operation.attempts, **(more or {})},
        # What somebody wants stopped must not wait for its next call instead.
        unless_asked_to_stop=True,
        **others,
    )


def cancelled(
    operation: Operation,
    *,
    call: CallEnd | None = None,
    actor: AbstractUser | None = None,
    door: str = Door.WORKER,
) -> Ending:
    """pending | running → cancelled. The raised fence drops the result of a running call."""
    return Ending(
        operation=operation,
        from_status=operation.status,
        to_status=CANCELLED,
        event=events.CANCELLED,
        call=call,
        actor=actor,
        door=door,
        raises_fence=True,
    )

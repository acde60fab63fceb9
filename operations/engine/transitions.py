"""The state machine: every change of an operation's status, and nothing else.

    pending → running → completed | failed
    running → pending                  released, rescued, deferred
    pending | running → cancelled
    pending → failed                   expired
    failed | cancelled → pending       retry by a person or command

Each change is a compare-and-swap on status and fencing token in the caller's transaction; False
means that somebody else moved the row first and nothing was written. `_move` is the only place that
writes `status` (a test searches for others).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from operations import events, metrics
from operations.batch_sql import update_each
from operations.engine import ledger
from operations.engine.turns import next_turn
from operations.errors import RULES, OpenAIServiceError, Usage
from operations.models import Operation
from operations.signals import operation_failed

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

PENDING = Operation.Status.PENDING
RUNNING = Operation.Status.RUNNING
COMPLETED = Operation.Status.COMPLETED
FAILED = Operation.Status.FAILED
CANCELLED = Operation.Status.CANCELLED

MAX_LOSSES = 3
"""A lost worker's operation is rescued this often; the next loss fails it (a poisoned operation
must not eat the workers)."""

_NO_LEASE: Mapping[str, Any] = {"lease_owner": None, "lease_expires_at": None}
_NO_ERROR: Mapping[str, Any] = {"error_code": "", "error_category": ""}


@dataclass(frozen=True)
class Guard:
    """What must still be true of a row for a change to happen."""

    statuses: tuple[str, ...]
    fence: int | None = None
    unless_asked_to_stop: bool = False


def _move(operation: Operation, guard: Guard, *, to: str, at: datetime, **values: Any) -> bool:
    """Compare and swap. On success the instance carries the new values too."""
    rows = Operation.objects.filter(pk=operation.pk, status__in=guard.statuses)
    if guard.fence is not None:
        rows = rows.filter(fence=guard.fence)
    if guard.unless_asked_to_stop:
        rows = rows.filter(cancel_requested_at=None)
    if not rows.update(status=to, updated_at=at, **values):
        return False
    operation.status = to
    for name, value in values.items():
        if not hasattr(value, "resolve_expression"):
            setattr(operation, name, value)
    return True


def claim(
    operations: Sequence[Operation], *, owner: UUID, at: datetime, lease: timedelta, calls: int = 0
) -> list[Operation]:
    """pending → running for those that are still pending under the fence that their instance has,
    in their order. Raises each row's fence. `calls`: how many calls of each start with the claim.
    """
    if not operations:
        return []
    same: dict[str, Any] = {
        "status": RUNNING,
        "lease_owner": owner,
        "lease_expires_at": at + lease,
        "started_at": at,
        "updated_at": at,
        "next_attempt_at": None,
        "waiting_reason": "",
    }
    raised = {"fence": 1, "attempts": calls, "run_attempts": calls}
    moved = update_each(
        Operation,
        [{"id": each.pk, "fence": each.fence} for each in operations],
        match=("id", "fence"),
        where={"status": PENDING},
        same=same,
        raise_by=raised,
    )
    if moved < len(operations):  # of rows that were read without a lock
        mine = Operation.objects.filter(status=RUNNING, lease_owner=owner, started_at=at)
        rows = mine.in_bulk([each.pk for each in operations])
        claimed = [rows[each.pk] for each in operations if each.pk in rows]
    else:
        claimed = list(operations)
        for operation in claimed:
            _note(operation, same, raised)
    changes = [events.Change(each, PENDING, RUNNING) for each in claimed]
    events.record_all(events.CLAIMED, changes, at=at, door="worker")
    return claimed


def _note(operation: Operation, same: Mapping[str, Any], raised: Mapping[str, int]) -> None:
    """Keep the instance as its row is now."""
    for name, value in same.items():
        setattr(operation, name, value)
    for name, by in raised.items():
        setattr(operation, name, getattr(operation, name) + by)


@dataclass(frozen=True)
class Completion:
    """What a usable reply says about its operation, as the run that asked knows it."""

    operation: Operation
    fence: int
    usage: Usage
    simulated: bool


def complete_all(completions: Sequence[Completion], *, at: datetime) -> int:
    """running → completed for each by its own fence, in one statement. Returns how many moved;
    what they count for (`metrics.of_final`) the caller writes with the rest.

    Fewer than asked: which ones is not known. The caller rolls back and completes each by itself.
    """
    values: dict[str, Any] = {
        "status": COMPLETED,
        "finished_at": at,
        "updated_at": at,
        "cancel_requested_at": None,
        "next_attempt_at": None,
        "waiting_reason": "",
        "is_probe": False,
        **_NO_LEASE,
    }
    moved = update_each(
        Operation,
        [
            {
                "id": each.operation.pk,
                "fence": each.fence,
                "simulated": each.simulated,
                "model": each.usage.model,
                **ledger.usage_values(each.usage),
            }
            for each in completions
        ],
        match=("id", "fence"),
        where={"status": RUNNING},
        same=values,
        add=ledger.USAGE,
    )
    if moved < len(completions):
        return moved
    for each in completions:
        own = {"simulated": each.simulated, "model": each.usage.model}
        _note(each.operation, {**values, **own}, {})
        ledger.add_in_memory(each.operation, each.usage)
    changes = [
        events.Change(each.operation, RUNNING, COMPLETED, {"attempt": each.operation.attempts})
        for each in completions
    ]
    events.record_all(events.COMPLETED, changes, at=at, door="worker")
    return moved


def fail(
    operation: Operation,
    error: OpenAIServiceError,
    *,
    at: datetime,
    fence: int | None = None,
    from_status: str = RUNNING,
    door: str = "worker",
) -> bool:
    """running → failed (or pending → failed for an expired one) with the error's code."""
    retry_after_at = (
        at + timedelta(seconds=error.retry_after) if error.retry_after is not None else None
    )
    done = _move(
        operation,
        Guard((from_status,), fence),
        to=FAILED,
        at=at,
        finished_at=at,
        error_code=error.error_code,
        error_category=str(error.category),
        retry_after_at=retry_after_at,
        cancel_requested_at=None,
        next_attempt_at=None,
        waiting_reason="",
        is_probe=False,
        **_NO_LEASE,
    )
    if done:
        if error.usage:
            ledger.add_usage(operation, error.usage)
        metrics.count(metrics.of_final(operation, at=at))
        transaction.on_commit(partial(operation_failed.send_robust, Operation, operation=operation))
        events.record(
            events.FAILED,
            operation,
            at=at,
            from_status=from_status,
            to_status=FAILED,
            door=door,
            level=RULES[error.error_code].log_level,
            detail={
                "category": str(error.category),
                "error_code": error.error_code,
                "attempt": operation.attempts,
            },
        )
    return done


def release(operation: Operation, *, fence: int, at: datetime) -> bool:
    """running → pending at an orderly shutdown: no penalty, claimed again at once."""
    return _give_back(
        operation, fence=fence, at=at, event=events.RELEASED, waiting=Operation.Waiting.QUEUED
    )


def defer(operation: Operation, *, fence: int, at: datetime, until: datetime) -> bool:
    """running → pending until the time that a rate limit named."""
    return _give_back(
        operation,
        fence=fence,
        at=at,
        event=events.DEFERRED,
        waiting=Operation.Waiting.RATE_LIMITED,
        next_attempt_at=until,
        deferrals=operation.deferrals + 1,
    )


def rescue(operation: Operation, *, at: datetime) -> bool:
    """running → pending because the worker's lease ended. The raised fence shuts it out."""
    return _give_back(
        operation,
        fence=operation.fence,
        at=at,
        event=events.RESCUED,
        waiting=Operation.Waiting.RESCUED,
        new_fence=operation.fence + 1,
        losses=operation.losses + 1,
        level=logging.WARNING,
        door="sweep",
    )


def _give_back(
    operation: Operation,
    *,
    fence: int,
    at: datetime,
    event: str,
    waiting: str,
    new_fence: int | None = None,
    next_attempt_at: datetime | None = None,
    level: int = logging.INFO,
    door: str = "worker",
    **values: Any,
) -> bool:
    done = _move(
        operation,
        # What somebody wants stopped must not wait for its next call instead.
        Guard((RUNNING,), fence, unless_asked_to_stop=True),
        to=PENDING,
        at=at,
        fence=new_fence if new_fence is not None else fence,
        next_attempt_at=next_attempt_at,
        waiting_reason=waiting,
        **_NO_LEASE,
        **values,
    )
    if done:
        events.record(
            event,
            operation,
            at=at,
            from_status=RUNNING,
            to_status=PENDING,
            door=door,
            level=level,
            detail={"losses": operation.losses, "attempt": operation.attempts},
        )
    return done


def cancel(
    operation: Operation,
    *,
    at: datetime,
    guard: Guard,
    actor: AbstractUser | None,
    door: str,
) -> bool:
    """pending | running → cancelled. The raised fence drops the result of a running call."""
    from_status = operation.status
    done = _move(
        operation,
        guard,
        to=CANCELLED,
        at=at,
        fence=operation.fence + 1,
        finished_at=at,
        cancel_requested_at=None,
        next_attempt_at=None,
        waiting_reason="",
        is_probe=False,
        **_NO_LEASE,
    )
    if done:
        metrics.count(metrics.of_final(operation, at=at))
        events.record(
            events.CANCELLED,
            operation,
            at=at,
            from_status=from_status,
            to_status=CANCELLED,
            actor=actor,
            door=door,
        )
    return done


def retry(
    operation: Operation,
    *,
    at: datetime,
    not_before: datetime | None,
    is_probe: bool,
    credential: str,
    actor: AbstractUser | None,
    door: str,
) -> bool:
    """failed | cancelled → pending: a new run with a full budget; the ledger keeps the old ones."""
    from_status = operation.status
    done = _move(
        operation,
        Guard(Operation.RETRYABLE, operation.fence),
        to=PENDING,
        at=at,
        fence=operation.fence + 1,
        run=operation.run + 1,
        run_attempts=0,
        losses=0,
        deferrals=0,
        is_probe=is_probe,
        credential=credential,
        queued_at=at,
        turn_at=next_turn(owner_id=operation.owner_id, kind=operation.kind, at=at),
        started_at=None,
        finished_at=None,
        retry_after_at=None,
        next_attempt_at=not_before,
        waiting_reason=Operation.Waiting.RATE_LIMITED if not_before else Operation.Waiting.QUEUED,
        **_NO_ERROR,
    )
    if done:
        events.record(
            events.RETRIED,
            operation,
            at=at,
            from_status=from_status,
            to_status=PENDING,
            actor=actor,
            door=door,
            detail={"run": operation.run},
        )
    return done


def lease_length() -> timedelta:
    return timedelta(seconds=settings.OPERATIONS_LEASE_SECONDS)

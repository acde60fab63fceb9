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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Coalesce

from operations import events, metrics
from operations.errors import RULES, OpenAIServiceError, Usage
from operations.models import Attempt, Operation, OperationEvent

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

_TAKEN_AWAY = (Attempt.Outcome.LOST, Attempt.Outcome.CANCELLED)
"""How others close the attempt of a worker whose fence they take."""

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
    operations: Iterable[Operation], *, owner: UUID, at: datetime, lease: timedelta
) -> list[Operation]:
    """pending → running for those that are still pending. Raises each row's fence."""
    chosen = {operation.pk: operation for operation in operations}
    Operation.objects.filter(pk__in=chosen, status=PENDING).update(
        status=RUNNING,
        fence=F("fence") + 1,
        lease_owner=owner,
        lease_expires_at=at + lease,
        started_at=at,
        updated_at=at,
        next_attempt_at=None,
        waiting_reason="",
    )
    claimed = list(Operation.objects.filter(pk__in=chosen, status=RUNNING, lease_owner=owner))
    OperationEvent.objects.bulk_create(
        OperationEvent(
            operation=operation,
            name=events.CLAIMED,
            from_status=PENDING,
            to_status=RUNNING,
            fence=operation.fence,
            door="worker",
            at=at,
        )
        for operation in claimed
    )
    for operation in claimed:
        events.log_after_commit(events.CLAIMED, **events.operation_fields(operation))
    return claimed


def complete(
    operation: Operation, *, fence: int, at: datetime, usage: Usage, simulated: bool
) -> bool:
    """running → completed. The caller writes the result rows after it, in the same transaction."""
    done = _move(
        operation,
        Guard((RUNNING,), fence),
        to=COMPLETED,
        at=at,
        finished_at=at,
        cancel_requested_at=None,
        next_attempt_at=None,
        waiting_reason="",
        is_probe=False,
        simulated=simulated,
        model=usage.model,
        **_NO_LEASE,
    )
    if done:
        add_usage(operation, usage)
        metrics.count_final(operation, at=at)
        events.record(
            events.COMPLETED,
            operation,
            at=at,
            from_status=RUNNING,
            to_status=COMPLETED,
            door="worker",
            detail={"attempt": operation.attempts},
        )
    return done


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
            add_usage(operation, error.usage)
        metrics.count_final(operation, at=at)
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
        metrics.count_final(operation, at=at)
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


def add_usage(operation: Operation, usage: Usage) -> None:
    """Tokens and cost add up over all attempts, failed ones included.

    In the database: the refused answer of an older worker adds its own at any moment.
    """
    operation.input_tokens += usage.input_tokens
    operation.output_tokens += usage.output_tokens
    values: dict[str, Any] = {
        "input_tokens": F("input_tokens") + usage.input_tokens,
        "output_tokens": F("output_tokens") + usage.output_tokens,
    }
    if usage.cost_usd is not None:
        operation.cost_usd = (operation.cost_usd or 0) + usage.cost_usd
        values["cost_usd"] = Coalesce("cost_usd", Decimal(0)) + usage.cost_usd
    Operation.objects.filter(pk=operation.pk).update(**values)


def start_attempt(operation: Operation, *, fence: int, at: datetime, model: str) -> Attempt | None:
    """Write the Attempt of a call that is about to be sent; None if the fence is not ours any more.

    Safe to run again when a commit arrived and its confirmation did not: the count is part of the
    guard, and the attempt that is there already is the answer.
    """
    rows = Operation.objects.filter(pk=operation.pk, status=RUNNING, fence=fence)
    still_ours = rows.filter(attempts=operation.attempts).update(
        attempts=F("attempts") + 1,
        run_attempts=F("run_attempts") + 1,
        next_attempt_at=None,
        waiting_reason="",
        updated_at=at,
    )
    operation.attempts += 1
    operation.run_attempts += 1
    if not still_ours:
        return Attempt.objects.filter(
            operation=operation,
            number=operation.attempts,
            fence=fence,
            outcome=Attempt.Outcome.RUNNING,
        ).first()
    return Attempt.objects.create(
        operation=operation,
        number=operation.attempts,
        run=operation.run,
        fence=fence,
        credential=operation.credential,
        model=model,
        started_at=at,
    )


def note_backoff(operation: Operation, *, fence: int, at: datetime, until: datetime) -> bool:
    """Say on the running row when its next call comes."""
    return bool(
        Operation.objects.filter(pk=operation.pk, status=RUNNING, fence=fence).update(
            next_attempt_at=until,
            waiting_reason=Operation.Waiting.BACKOFF,
            updated_at=at,
        )
    )


def end_attempt(
    operation: Operation,
    *,
    fence: int,
    outcome: str,
    at: datetime,
    error: OpenAIServiceError | None = None,
    usage: Usage | None = None,
    provider_request_id: str = "",
    duration_ms: int | None = None,
    wait_seconds: float | None = None,
    possibly_paid_twice: bool = False,
) -> bool:
    """Close the open attempt of this fence. A closed one is touched by `mark_fenced` alone."""
    values: dict[str, Any] = {
        "outcome": outcome,
        "finished_at": at,
        "duration_ms": duration_ms,
        "wait_seconds": wait_seconds,
        "possibly_paid_twice": possibly_paid_twice,
        "provider_request_id": provider_request_id,
    }
    if error is not None:
        values |= {
            "category": str(error.category),
            "error_code": error.error_code,
            "http_status": error.http_status,
            "provider_request_id": error.provider_request_id,
            "detail": error.detail,
        }
        usage = usage or error.usage
    if usage is not None:
        values |= _usage_values(usage)
    ended = Attempt.objects.filter(
        operation=operation, fence=fence, outcome=Attempt.Outcome.RUNNING
    ).update(**values)
    if ended:
        metrics.count_attempt(
            operation,
            outcome=outcome,
            category=values.get("category", ""),
            duration_ms=duration_ms,
            possibly_paid_twice=possibly_paid_twice,
        )
    return bool(ended)


def mark_fenced(operation: Operation, *, fence: int, at: datetime, usage: Usage | None) -> None:
    """A result arrived after its fence was taken: dropped, but its bill is kept.

    An attempt that ended by itself is left alone: no call was open, or our own commit arrived and
    only its confirmation was lost.
    """
    values: dict[str, Any] = {
        "outcome": Attempt.Outcome.FENCED,
        "finished_at": at,
        "possibly_paid_twice": True,
    }
    if usage is not None:
        values |= _usage_values(usage)
    newest = Attempt.objects.filter(operation=operation, fence=fence).order_by("-number").first()
    if newest is None or newest.outcome not in _TAKEN_AWAY:
        return
    Attempt.objects.filter(pk=newest.pk).update(**values)
    metrics.count_attempt(
        operation,
        outcome=Attempt.Outcome.FENCED,
        category="",
        duration_ms=None,
        possibly_paid_twice=not newest.possibly_paid_twice,
    )
    current = Operation.objects.get(pk=operation.pk)
    if usage is not None:
        add_usage(current, usage)
    events.record(
        events.FENCED, current, at=at, door="worker", level=logging.WARNING, detail={"fence": fence}
    )


def _usage_values(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": usage.cost_usd,
        "model": usage.model,
    }


def lease_length() -> timedelta:
    return timedelta(seconds=settings.OPERATIONS_LEASE_SECONDS)

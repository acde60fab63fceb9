"""The ledger: one Attempt row for each HTTP call, committed before it is sent, ended once.

An operation's status is not written here (`transitions` does that); its counters of calls, tokens
and cost are.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce

from operations import events, metrics
from operations.batch_sql import insert_each, update_each
from operations.errors import OpenAIServiceError, Usage
from operations.models import Attempt, Operation

_TAKEN_AWAY = (Attempt.Outcome.LOST, Attempt.Outcome.CANCELLED)
"""How others close the attempt of a worker whose fence they take."""


USAGE = ("input_tokens", "output_tokens", "cost_usd")
"""They add up over all attempts, failed ones included."""


def usage_values(usage: Usage) -> dict[str, Any]:
    return {name: getattr(usage, name) for name in USAGE}


def add_usage(operation: Operation, usage: Usage) -> None:
    """In the database: the refused answer of an older worker adds its own at any moment."""
    add_in_memory(operation, usage)
    values: dict[str, Any] = {
        "input_tokens": F("input_tokens") + usage.input_tokens,
        "output_tokens": F("output_tokens") + usage.output_tokens,
    }
    if usage.cost_usd is not None:
        values["cost_usd"] = Coalesce("cost_usd", Decimal(0)) + usage.cost_usd
    Operation.objects.filter(pk=operation.pk).update(**values)


def add_in_memory(operation: Operation, usage: Usage) -> None:
    operation.input_tokens += usage.input_tokens
    operation.output_tokens += usage.output_tokens
    if usage.cost_usd is not None:
        operation.cost_usd = (operation.cost_usd or 0) + usage.cost_usd


def start_first_attempts(calls: Iterable[tuple[Operation, str]], *, at: datetime) -> None:
    """The Attempts of operations whose claim counted a call: (operation, model)."""
    insert_each(
        Attempt,
        [_new_attempt(operation, operation.fence, model) for operation, model in calls],
        same={"started_at": at},
    )


def _new_attempt(operation: Operation, fence: int, model: str) -> dict[str, Any]:
    return {
        "operation_id": operation.pk,
        "number": operation.attempts,
        "run": operation.run,
        "fence": fence,
        "credential": operation.credential,
        "model": model,
    }


def start_attempt(operation: Operation, *, fence: int, at: datetime, model: str) -> Attempt | None:
    """Write the Attempt of a call that is about to be sent; None if the fence is not ours any more.

    Safe to run again when a commit arrived and its confirmation did not: the count is part of the
    guard, and the attempt that is there already is the answer.
    """
    rows = Operation.objects.filter(pk=operation.pk, status=Operation.Status.RUNNING, fence=fence)
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
    return Attempt.objects.create(started_at=at, **_new_attempt(operation, fence, model))


def note_backoff(operation: Operation, *, fence: int, at: datetime, until: datetime) -> bool:
    """Say on the running row when its next call comes."""
    return bool(
        Operation.objects.filter(
            pk=operation.pk, status=Operation.Status.RUNNING, fence=fence
        ).update(
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
    http_status: int | None = None,
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
        "http_status": http_status,
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
        values |= {**usage_values(usage), "model": usage.model}
    ended = Attempt.objects.filter(
        operation=operation, fence=fence, outcome=Attempt.Outcome.RUNNING
    ).update(**values)
    if ended:
        metrics.count(
            metrics.of_attempt(
                operation,
                outcome=outcome,
                category=values.get("category", ""),
                duration_ms=duration_ms,
                possibly_paid_twice=possibly_paid_twice,
            )
        )
    return bool(ended)


@dataclass(frozen=True)
class Success:
    """The end of a call that brought a usable reply."""

    operation: Operation
    fence: int
    usage: Usage
    provider_request_id: str
    http_status: int
    duration_ms: int


def end_successes(successes: Sequence[Success], *, at: datetime) -> int:
    """Close the open attempts of these calls in one statement; returns how many were open.

    What they count for is `success_observations`: the caller writes it with the rest.
    """
    return update_each(
        Attempt,
        [
            {
                "operation_id": each.operation.pk,
                "fence": each.fence,
                "model": each.usage.model,
                "provider_request_id": each.provider_request_id,
                "http_status": each.http_status,
                "duration_ms": each.duration_ms,
                **usage_values(each.usage),
            }
            for each in successes
        ],
        match=("operation_id", "fence"),
        where={"outcome": Attempt.Outcome.RUNNING},
        same={"outcome": Attempt.Outcome.SUCCEEDED, "finished_at": at},
    )


def success_observations(successes: Iterable[Success]) -> Iterator[metrics.Observation]:
    for each in successes:
        yield from metrics.of_attempt(
            each.operation,
            outcome=Attempt.Outcome.SUCCEEDED,
            category="",
            duration_ms=each.duration_ms,
            possibly_paid_twice=False,
        )


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
        values |= {**usage_values(usage), "model": usage.model}
    newest = Attempt.objects.filter(operation=operation, fence=fence).order_by("-number").first()
    if newest is None or newest.outcome not in _TAKEN_AWAY:
        return
    Attempt.objects.filter(pk=newest.pk).update(**values)
    # Counted as an attempt when it was taken away: a second time would be one call too many.
    if not newest.possibly_paid_twice:
        metrics.count_paid_twice()
    current = Operation.objects.get(pk=operation.pk)
    if usage is not None:
        add_usage(current, usage)
    events.record(
        events.FENCED, current, at=at, door="worker", level=logging.WARNING, detail={"fence": fence}
    )

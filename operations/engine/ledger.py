"""The ledger: one Attempt row for each HTTP call, committed before it is sent, ended once.

An operation's status is not written here (`transitions` does that); its counters of calls, tokens
and cost are.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Coalesce

from operations import events, metrics, trace
from operations.database.batch_sql import Statement, insert_statements, update_statements
from operations.database.stages import Found, Stage, write_in_stages
from operations.errors import OpenAIServiceError, Usage
from operations.models import Attempt, Door, Operation

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


Key = tuple[UUID, int]
"""An operation and a fence."""


def key_of(operation: Operation) -> Key:
    return operation.pk, operation.fence


def attempt_statements(calls: Iterable[tuple[Operation, str]], *, at: datetime) -> list[Statement]:
    """The Attempts of calls that their operations have counted: (operation, model)."""
    return insert_statements(
        Attempt,
        [
            {
                "operation_id": operation.pk,
                "number": operation.attempts,
                "run": operation.run,
                "fence": operation.fence,
                "credential": operation.credential,
                "model": model,
                "request_id": operation.request_id,
            }
            for operation, model in calls
        ],
        same={"started_at": at, "worker": trace.process()},
    )


def start_next_attempts(
    calls: Sequence[tuple[Operation, str]], *, at: datetime
) -> list[Operation | None]:
    """Write the Attempts of calls that are about to be sent, and count them. The operations as they
    are then; None where the fence is not ours any more.

    Safe to run again when a commit arrived and its confirmation did not: the count is part of the
    guard, and the attempt that is there already is the answer.
    """
    started = [(_with_one_more(operation), model) for operation, model in calls]
    stages = [
        Stage(partial(_count_calls, at=at), go_on=_counted),
        Stage(partial(attempt_statements, at=at)),
    ]
    ours = {key_of(operation) for operation, _ in write_in_stages(started, stages)}
    return [one if key_of(one) in ours or _is_open(one) else None for one, _ in started]


def _with_one_more(operation: Operation) -> Operation:
    operation = copy(operation)
    operation.attempts += 1
    operation.run_attempts += 1
    return operation


def _count_calls(calls: Sequence[tuple[Operation, str]], *, at: datetime) -> list[Statement]:
    return update_statements(
        Operation,
        [
            {"id": operation.pk, "fence": operation.fence, "attempts": operation.attempts - 1}
            for operation, _ in calls
        ],
        match=("id", "fence", "attempts"),
        where={"status": Operation.Status.RUNNING},
        same={"next_attempt_at": None, "waiting_reason": "", "updated_at": at},
        raise_by={"attempts": 1, "run_attempts": 1},
        returning=("id", "fence"),
    )


def _counted(calls: Sequence[tuple[Operation, str]], found: Found) -> list[tuple[Operation, str]]:
    return [call for call in calls if key_of(call[0]) in found]


def _is_open(operation: Operation) -> bool:
    return Attempt.objects.filter(
        operation=operation,
        number=operation.attempts,
        fence=operation.fence,
        outcome=Attempt.Outcome.RUNNING,
    ).exists()


@dataclass(frozen=True)
class CallEnd:
    """How the open call of an operation's fence ended."""

    operation: Operation
    outcome: str
    error: OpenAIServiceError | None = None
    usage: Usage | None = None
    provider_request_id: str = ""
    http_status: int | None = None
    duration_ms: int | None = None
    wait_seconds: float | None = None
    possibly_paid_twice: bool = False

    @property
    def category(self) -> str:
        return str(self.error.category) if self.error else ""

    @property
    def bill(self) -> Usage | None:
        return self.usage or (self.error.usage if self.error else None)


@dataclass(frozen=True)
class Step:
    """An operation as its row is after a change, and the call that ends with it, if one is open."""

    operation: Operation
    call: CallEnd | None

    def observed(self, at: datetime) -> list[metrics.Observation]:
        """What it counts for."""
        return _observed(self.call, at) if self.call else []


S = TypeVar("S", bound=Step)


def still_ours(steps: Sequence[S], found: Found) -> list[S]:
    return [step for step in steps if key_of(step.operation) in found]


def call_stages(*, at: datetime) -> list[Stage[Any]]:
    """Close the open attempts of these fences, and count what was closed. A closed one is touched
    by `mark_fenced` alone."""
    return [Stage(partial(_end_calls, at=at), go_on=_closed), Stage(partial(_count, at=at))]


def _end_calls(steps: Sequence[Step], *, at: datetime) -> list[Statement]:
    return update_statements(
        Attempt,
        [_row_of_end(step.call) for step in steps if step.call],
        match=("operation_id", "fence"),
        where={"outcome": Attempt.Outcome.RUNNING},
        same={"finished_at": at},
    )


def _closed(steps: Sequence[S], found: Found) -> list[S]:
    return [
        step
        if step.call is None or key_of(step.call.operation) in found
        else replace(step, call=None)
        for step in steps
    ]


def _count(steps: Sequence[Step], *, at: datetime) -> list[Statement]:
    return metrics.count_statements(each for step in steps for each in step.observed(at))


def note_backoffs(calls: Sequence[CallEnd], *, at: datetime) -> set[Key]:
    """End these calls, and say on the running rows when the next ones come. Which of them are still
    ours."""
    steps = [Step(call.operation, call) for call in calls]
    stages = [Stage(partial(_back_off, at=at), go_on=still_ours), *call_stages(at=at)]
    return {key_of(step.operation) for step in write_in_stages(steps, stages)}


def _back_off(steps: Sequence[Step], *, at: datetime) -> list[Statement]:
    waits = [(step.operation, (step.call and step.call.wait_seconds) or 0.0) for step in steps]
    return update_statements(
        Operation,
        [
            {"id": one.pk, "fence": one.fence, "next_attempt_at": at + timedelta(seconds=wait)}
            for one, wait in waits
        ],
        match=("id", "fence"),
        where={"status": Operation.Status.RUNNING},
        same={"waiting_reason": Operation.Waiting.BACKOFF, "updated_at": at},
    )


def _row_of_end(call: CallEnd) -> dict[str, Any]:
    pk, fence = key_of(call.operation)
    row = {
        "operation_id": pk,
        "fence": fence,
        "outcome": call.outcome,
        "duration_ms": call.duration_ms,
        "wait_seconds": call.wait_seconds,
        "possibly_paid_twice": call.possibly_paid_twice,
        "provider_request_id": call.provider_request_id,
        "http_status": call.http_status,
    }
    if call.error is not None:
        row |= {
            "category": call.category,
            "error_code": call.error.error_code,
            "http_status": call.error.http_status,
            "provider_request_id": call.error.provider_request_id,
            "detail": call.error.detail,
        }
    usage = call.bill
    return row if usage is None else {**row, **usage_values(usage), "model": usage.model}


def _observed(call: CallEnd, at: datetime) -> list[metrics.Observation]:
    return metrics.of_attempt(
        call.operation,
        outcome=call.outcome,
        category=call.category,
        duration_ms=call.duration_ms,
        possibly_paid_twice=call.possibly_paid_twice,
        usage=call.bill,
        at=at,
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
    late = metrics.of_bill(operation, usage, at=at)
    # Counted as an attempt when it was taken away: a second time would be one call too many.
    if not newest.possibly_paid_twice:
        late.append(metrics.paid_twice())
    metrics.count(late)
    current = Operation.objects.get(pk=operation.pk)
    if usage is not None:
        add_usage(current, usage)
    events.record(
        events.FENCED,
        current,
        at=at,
        door=Door.WORKER,
        level=logging.WARNING,
        detail={"fence": fence},
    )

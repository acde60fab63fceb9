"""The state of an operation: its status with its reason, worked out by the database alone.

Lists, pages and the API read STATE with each row. Whoever looks through many rows for a state, or
counts them, gets the same conditions with values in them, so that indexes serve.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import reduce
from itertools import takewhile
from operator import and_, or_
from typing import Any
from uuid import UUID

from django.db.models import Case, CharField, Count, Q, QuerySet, Value, When

from operations.database.clock import DatabaseNow, database_now
from operations.database.paused import held_back, held_back_now, slowed
from operations.database.written_once import Place, WrittenOnce
from operations.models import Operation

STUCK_AFTER = timedelta(minutes=5)
"""Due for so long and not taken: either no worker lives or more comes in than they can do."""

STATES: dict[str, str] = {
    "queued": "Queued",
    "running": "Running",
    "retrying": "Retrying",
    "rate_limited": "Rate limited",
    "paused": "Paused",
    "stuck": "Stuck",
    "failed": "Failed",
    "acknowledged": "Acknowledged",
    "cancelled": "Cancelled",
    "completed": "Completed",
}

Conditions = dict[str, dict[str, Q]]
"""Of each status, the states in which its rows can be; the first whose condition holds."""

_ALWAYS = Q()


def _conditions(held: Q, before: Callable[[timedelta], Any]) -> Conditions:
    """`held`: what waits behind a pause. `before`: the moment that lies so long before now."""
    now, overdue = before(timedelta(0)), before(STUCK_AFTER)
    is_overdue = Q(next_attempt_at=None) | Q(next_attempt_at__lt=overdue)
    return {
        Operation.Status.PENDING: {
            "paused": held,
            "rate_limited": Q(next_attempt_at__gt=now) | slowed(now),
            "stuck": Q(queued_at__lt=overdue) & is_overdue,
            "queued": _ALWAYS,
        },
        Operation.Status.RUNNING: {
            "stuck": Q(lease_expires_at__lt=now),
            "retrying": Q(waiting_reason=Operation.Waiting.BACKOFF),
            "running": _ALWAYS,
        },
        Operation.Status.FAILED: {"failed": Q(acknowledged_at=None), "acknowledged": _ALWAYS},
        Operation.Status.CANCELLED: {"cancelled": _ALWAYS},
        Operation.Status.COMPLETED: {"completed": _ALWAYS},
    }


_OF_ITSELF = _conditions(held_back(), DatabaseNow)

STATE = Case(
    *(
        When(Q(status=status) & condition, then=Value(state))
        for status, states in _OF_ITSELF.items()
        for state, condition in states.items()
    ),
    output_field=CharField(),
)

UNFINISHED_STATES = tuple(
    dict.fromkeys(state for status in Operation.UNFINISHED for state in _OF_ITSELF[status])
)


def _with_values() -> Conditions:
    now = database_now()
    return _conditions(held_back_now(), lambda ago: now - ago)


def in_state(*states: str) -> Q:
    """Which rows are in any of these STATES. Each row is in exactly one."""
    of_now = not set(states).isdisjoint(UNFINISHED_STATES)
    conditions = _with_values() if of_now else _OF_ITSELF
    return reduce(or_, (_rows(state, conditions) for state in states))


def _rows(state: str, conditions: Conditions) -> Q:
    return reduce(
        or_, (_first(state, status, of) for status, of in conditions.items() if state in of)
    )


def _first(state: str, status: str, states: dict[str, Q]) -> Q:
    earlier = takewhile(lambda name: name != state, states)
    return reduce(and_, (~states[name] for name in earlier), Q(status=status) & states[state])


def count_unfinished() -> dict[str, int]:
    """How many are in each of UNFINISHED_STATES. Not grouped by STATE: that takes longer."""
    conditions = _with_values()
    return Operation.objects.filter(status__in=Operation.UNFINISHED).aggregate(
        **{state: Count("pk", filter=_rows(state, conditions)) for state in UNFINISHED_STATES}
    )


def with_state(operations: QuerySet[Operation]) -> QuerySet[Operation]:
    """The same rows, each with what `state_of` tells of it."""
    return operations.annotate(state=STATE)


_ONE = WrittenOnce(
    lambda: with_state(Operation.objects.filter(pk=Place("pk", Operation._meta.pk))).order_by()
)


def operation_with_state(operation_id: UUID | str) -> Operation | None:
    """This one, likewise; None where there is none."""
    return _ONE.first(pk=operation_id)


def state_of(operation: Operation) -> str:
    """One of STATES, of the moment when the row was read. A row that was read without it costs a
    look; empty where that finds it deleted."""
    known: str | None = getattr(operation, "state", None)
    if known is not None:
        return known
    found = operation_with_state(operation.pk)
    return state_of(found) if found else ""

"""The one writer of endings.

The status, the end of the open call, the bill, the event, the counts and what is told after the
commit belong together, however an operation ends or goes back to wait. Each ending is a
compare-and-swap on status and fencing token in the caller's transaction: of one that somebody else
has moved nothing is written. Not decided here: which ending it is, pauses, and a kind's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

from operations import events, metrics
from operations.database.batch_sql import Statement, update_statements
from operations.database.stages import Stage, write_in_stages
from operations.engine import ledger
from operations.engine.endings import COMPLETED, FAILED, Ending
from operations.engine.ledger import Step
from operations.models import Operation
from operations.signals import operation_completed, operation_failed

SIGNALS: Mapping[str, Signal] = {COMPLETED: operation_completed, FAILED: operation_failed}
"""Sent after the commit."""


@dataclass(frozen=True)
class Move(Step):
    """An operation as its ending leaves it."""

    ending: Ending

    @property
    def change(self) -> events.Change:
        one = self.ending
        return events.Change(
            name=one.event,
            operation=self.operation,
            from_status=one.from_status,
            to_status=one.to_status,
            actor=one.actor,
            door=one.door,
            level=one.level,
            detail=one.detail,
        )

    def observed(self, at: datetime) -> list[metrics.Observation]:
        final = metrics.of_final(self.operation, at=at) if self.ending.is_final else []
        return super().observed(at) + final


def write_endings(
    endings: Sequence[Ending],
    *,
    at: datetime,
    after_swap: Callable[[Sequence[Operation]], object] = lambda _: None,
) -> list[Operation | None]:
    """Write these, a few statements for all. Their rows as they are then; None for one that
    somebody else has moved. `after_swap` gets those that were moved, in the same transaction."""
    moves = [Move(_after(one, at=at), one.call, one) for one in endings]
    stages = [
        Stage(partial(_swaps, at=at), go_on=ledger.still_ours),
        Stage(partial(_events, at=at)),
        *ledger.call_stages(at=at),
    ]
    moved = write_in_stages(moves, stages)
    if moved:
        after_swap([each.operation for each in moved])
    events.log_all(each.change for each in moved)
    _tell(each.operation for each in moved)
    by_key = {each.ending.key: each.operation for each in moved}
    return [by_key.get(one.key) for one in endings]


def _swaps(moves: Iterable[Move], *, at: datetime) -> list[Statement]:
    alike: dict[tuple[str, bool, bool], list[Ending]] = {}
    for one in (move.ending for move in moves):
        what = (one.to_status, one.raises_fence, one.unless_asked_to_stop)
        alike.setdefault(what, []).append(one)
    return [statement for those in alike.values() for statement in _swap_alike(those, at=at)]


def _swap_alike(endings: Sequence[Ending], *, at: datetime) -> list[Statement]:
    first = endings[0]
    return update_statements(
        Operation,
        [_row(one) for one in endings],
        match=("id", "fence", "status"),
        where={"cancel_requested_at": None} if first.unless_asked_to_stop else {},
        same=_same(first, at=at),
        add=ledger.USAGE,
        raise_by={"fence": 1} if first.raises_fence else {},
        returning=("id", "fence"),
    )


def _events(moves: Iterable[Move], *, at: datetime) -> list[Statement]:
    return events.row_statements([each.change for each in moves], at=at)


def _row(ending: Ending) -> dict[str, Any]:
    pk, fence = ending.key
    bill = ledger.usage_values(ending.usage) if ending.usage else {}
    return {"id": pk, "fence": fence, "status": ending.from_status, **ending.values, **bill}


def _same(ending: Ending, *, at: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {
        "status": ending.to_status,
        "updated_at": at,
        "lease_owner": None,
        "lease_expires_at": None,
    }
    if ending.is_final:
        values |= {
            "finished_at": at,
            "cancel_requested_at": None,
            "next_attempt_at": None,
            "waiting_reason": "",
            "is_probe": False,
        }
    return values


def _after(ending: Ending, *, at: datetime) -> Operation:
    """The operation as its row is now."""
    operation = copy(ending.operation)
    for name, value in {**_same(ending, at=at), **ending.values}.items():
        setattr(operation, name, value)
    operation.fence += ending.raises_fence
    if ending.usage:
        ledger.add_in_memory(operation, ending.usage)
    return operation


def _tell(operations: Iterable[Operation]) -> None:
    for operation in operations:
        if signal := SIGNALS.get(operation.status):
            transaction.on_commit(partial(signal.send_robust, Operation, operation=operation))

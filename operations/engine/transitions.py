"""The state machine, and the changes that begin something.

    pending → running → completed | failed
    running → pending                  released, rescued, deferred
    pending | running → cancelled
    pending → failed                   expired
    failed | cancelled → pending       retry by a person or command

Each change is a compare-and-swap on status and fencing token in the caller's transaction: of a row
that somebody else moved first nothing is written. Here is what takes an operation up, claims and
retries; how it leaves its worker or the queue is in `outcomes`. Nobody else writes a status (a test
searches for others).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings

from operations import events, trace
from operations.database.batch_sql import Statement, update_statements
from operations.database.stages import Found, Stage, write_in_stages
from operations.engine import ledger
from operations.engine.turns import next_turn
from operations.models import Door, Operation

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

PENDING = Operation.Status.PENDING
RUNNING = Operation.Status.RUNNING

MAX_LOSSES = 3
"""A lost worker's operation is rescued this often; the next loss fails it (a poisoned operation
must not eat the workers)."""


@dataclass(frozen=True)
class FirstCall:
    """The call that a claim starts."""

    credential: str
    """Whose address and key the calling process uses: nobody knew before."""
    model: str


def claim(
    operations: Sequence[Operation],
    *,
    owner: UUID,
    at: datetime,
    lease: timedelta,
    calls: Mapping[UUID, FirstCall] = MappingProxyType({}),
) -> list[Operation]:
    """pending → running for those that are still pending under the fence that their instance has,
    in their order. Raises each row's fence, and starts the calls that are named by id."""
    same: dict[str, Any] = {
        "status": RUNNING,
        "lease_owner": owner,
        "lease_expires_at": at + lease,
        "worker": trace.process(),
        "started_at": at,
        "updated_at": at,
        "next_attempt_at": None,
        "waiting_reason": "",
    }
    for operation in operations:
        call = calls.get(operation.pk)
        started = 1 if call else 0
        own = {"credential": call.credential} if call else {}
        _note(operation, same | own, {"fence": 1, "attempts": started, "run_attempts": started})

    def first_calls(taken: Sequence[Operation]) -> list[Statement]:
        called = [(each, calls[each.pk].model) for each in taken if each.pk in calls]
        return ledger.attempt_statements(called, at=at)

    stages = [
        Stage(partial(_take, same=same, calls=calls), go_on=_taken),
        Stage(partial(_claimed, at=at)),
        Stage(first_calls),
    ]
    claimed = list(write_in_stages(operations, stages))
    events.log_all(map(_change, claimed))
    return claimed


def _take(
    operations: Sequence[Operation], *, same: Mapping[str, Any], calls: Collection[UUID]
) -> list[Statement]:
    return update_statements(
        Operation,
        [
            {
                "id": each.pk,
                "fence": each.fence - 1,
                "credential": each.credential,
                # As it was called with: a key may have been saved or deleted since it was read.
                "own_key": each.own_key,
                "attempts": int(each.pk in calls),
                "run_attempts": int(each.pk in calls),
            }
            for each in operations
        ],
        match=("id", "fence"),
        where={"status": PENDING},
        same=same,
        add=("attempts", "run_attempts"),
        raise_by={"fence": 1},
        returning=("id", "fence"),
    )


def _taken(operations: Sequence[Operation], found: Found) -> list[Operation]:
    """Fewer than asked of rows that were read without a lock."""
    return [each for each in operations if ledger.key_of(each) in found]


def _claimed(operations: Sequence[Operation], *, at: datetime) -> list[Statement]:
    return events.row_statements([_change(each) for each in operations], at=at)


def _change(operation: Operation) -> events.Change:
    return events.Change(events.CLAIMED, operation, PENDING, RUNNING, door=Door.WORKER)


def _note(operation: Operation, same: Mapping[str, Any], raised: Mapping[str, int]) -> None:
    """Keep the instance as its row is now."""
    for name, value in same.items():
        setattr(operation, name, value)
    for name, by in raised.items():
        setattr(operation, name, getattr(operation, name) + by)


def retry(
    operation: Operation,
    *,
    at: datetime,
    not_before: datetime | None,
    is_probe: bool,
    own_key: bool,
    actor: AbstractUser | None,
    door: str,
) -> bool:
    """failed | cancelled → pending: a new run with a full budget; the ledger keeps the old ones."""
    from_status = operation.status
    waiting = Operation.Waiting.RATE_LIMITED if not_before else Operation.Waiting.QUEUED
    values: dict[str, Any] = {
        "request_id": trace.request_id(),
        "fence": operation.fence + 1,
        "run": operation.run + 1,
        "run_attempts": 0,
        "losses": 0,
        "deferrals": 0,
        "is_probe": is_probe,
        "own_key": own_key,
        "credential": "",
        "queued_at": at,
        "turn_at": next_turn(owner_id=operation.owner_id, kind=operation.kind, at=at),
        "started_at": None,
        "finished_at": None,
        "retry_after_at": None,
        "next_attempt_at": not_before,
        "waiting_reason": waiting,
        "error_code": "",
        "error_category": "",
        "updated_at": at,
    }
    unmoved = Operation.objects.filter(
        pk=operation.pk, status__in=Operation.RETRYABLE, fence=operation.fence
    )
    if not unmoved.update(status=PENDING, **values):
        return False
    _note(operation, {"status": PENDING, **values}, {})
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
    return True


def lease_length() -> timedelta:
    return timedelta(seconds=settings.OPERATIONS_LEASE_SECONDS)

"""Leases: how a worker keeps its operations and how the work of a dead one is taken back.

`beat` extends all leases of a drain in one UPDATE; an expired lease is never revived. `sweep` runs
every few seconds in the supervisor: worst recovery after a kill is lease + sweep interval.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from operations import pauses, trace
from operations.credentials import installation_label
from operations.database import backlog
from operations.database.clock import database_now
from operations.database.trouble import is_trouble
from operations.engine import endings, failpoints, probes, transitions
from operations.engine.endings import Ending
from operations.engine.outcomes import write_endings
from operations.models import Attempt, Door, Operation, WorkerHeartbeat

logger = structlog.get_logger("operations")

SWEEP_BATCH = 500

ASKED_TO_STOP = (
    "SELECT id FROM operations_operation"
    " WHERE status = 'running' AND lease_owner = %s AND cancel_requested_at IS NOT NULL"
)
"""Each drain with calls under way asks every second: SQL, as in `engine.due`."""

HEARTBEATS_PER_LEASE = 3


@dataclass(frozen=True)
class Holding:
    """What a drain still holds after a heartbeat: fences by operation, and who asked to stop."""

    fences: dict[UUID, int] = field(default_factory=dict)
    cancel_requested: frozenset[UUID] = frozenset()
    is_signed_on: bool = True
    """False where its heartbeat had expired and another drain took the slot."""


def sign_on(*, owner: UUID, supervisor: str, slot: int) -> bool:
    """Register a drain in its slot. False: the slot has a living drain already."""
    now = database_now()
    with transaction.atomic():
        WorkerHeartbeat.objects.filter(
            supervisor=supervisor, slot=slot, expires_at__lt=now
        ).delete()
        try:
            with transaction.atomic():
                WorkerHeartbeat.objects.create(
                    id=owner,
                    supervisor=supervisor,
                    slot=slot,
                    hostname=trace.host(),
                    pid=os.getpid(),
                    credential=installation_label(),
                    started_at=now,
                    beat_at=now,
                    expires_at=now + transitions.lease_length(),
                )
        except IntegrityError:
            return False
    return True


def sign_off(*, owner: UUID) -> None:
    WorkerHeartbeat.objects.filter(pk=owner).delete()


def give_up_slot(*, owner: UUID) -> None:
    """Stop counting as a drain that takes work, so that a successor may start beside the rest."""
    WorkerHeartbeat.objects.filter(pk=owner).update(accepts_work=False)


def beat(*, owner: UUID, held: Collection[UUID]) -> Holding:
    """Extend this drain's leases that have not expired, and say what it still holds.

    Only of what the drain knows to hold: a claim whose confirmation was lost, or a run that could
    not write its outcome, must expire and be taken back although its drain lives on.
    """
    now = database_now()
    until = now + transitions.lease_length()
    signed_on = WorkerHeartbeat.objects.filter(pk=owner).update(
        beat_at=now, expires_at=until, in_flight=len(held)
    )
    mine = Operation.objects.filter(status=Operation.Status.RUNNING, lease_owner=owner)
    mine.filter(pk__in=held, lease_expires_at__gt=now).update(lease_expires_at=until)
    failpoints.reach("in_heartbeat")
    rows = list(mine.values_list("pk", "fence", "cancel_requested_at"))
    return Holding(
        fences={pk: fence for pk, fence, _ in rows},
        cancel_requested=frozenset(pk for pk, _, asked in rows if asked is not None),
        is_signed_on=bool(signed_on),
    )


def end_leases_of(*, owner: UUID) -> list[UUID]:
    """The drain's process is known to be dead: let the next sweep take its operations back. Which
    these are."""
    now = database_now()
    with transaction.atomic():
        WorkerHeartbeat.objects.filter(pk=owner).delete()
        held = Operation.objects.filter(status=Operation.Status.RUNNING, lease_owner=owner)
        ids = list(held.values_list("pk", flat=True))
        held.update(lease_expires_at=now - timedelta(seconds=1))
    return ids


def asked_to_cancel(*, owner: UUID) -> frozenset[UUID] | None:
    """The drain's operations that somebody wants stopped; None: none."""
    field = Operation._meta.get_field("lease_owner")
    with connection.cursor() as cursor:
        cursor.execute(ASKED_TO_STOP, [field.get_db_prep_value(owner, connection)])
        return frozenset(field.to_python(pk) for (pk,) in cursor.fetchall()) or None


@dataclass
class SweepReport:
    rescued: int = 0
    failed: int = 0
    cancelled: int = 0
    expired: int = 0
    probes: int = 0

    @property
    def made_work(self) -> bool:
        return bool(self.rescued or self.probes)


def sweep() -> SweepReport:
    """Take back what dead workers held, end what waited too long, send probes. Idempotent;
    any number of processes may do it at once."""
    taken = _take_back(_expired_leases(database_now()))
    expired = _expire(_expired_waits(database_now()))
    sent = probes.send_due(at=database_now())
    pauses.close_retired(at=database_now())
    WorkerHeartbeat.objects.filter(
        expires_at__lt=database_now() - 10 * transitions.lease_length()
    ).delete()
    return SweepReport(
        rescued=taken[Operation.Status.PENDING],
        failed=taken[Operation.Status.FAILED],
        cancelled=taken[Operation.Status.CANCELLED],
        expired=expired.total(),
        probes=sent,
    )


def rescue(operation_id: UUID) -> bool:
    """Take one operation back, if its lease has ended: what `sweep` does by itself."""
    return bool(_take_back([operation_id]))


def _expired_leases(now: datetime) -> list[UUID]:
    rows = Operation.objects.filter(status=Operation.Status.RUNNING, lease_expires_at__lt=now)
    return list(rows.order_by("lease_expires_at").values_list("pk", flat=True)[:SWEEP_BATCH])


def _expired_waits(now: datetime) -> list[UUID]:
    return backlog.ids_queued_before(now - _longest_wait(), limit=SWEEP_BATCH)


def _longest_wait() -> timedelta:
    return timedelta(seconds=settings.OPERATIONS_EXPIRE_SECONDS)


def _take_back(ids: Collection[UUID]) -> Counter[str]:
    """How many have which status now."""
    if not ids:
        return Counter()
    with transaction.atomic():
        now = database_now()
        lost = _held(ids, status=Operation.Status.RUNNING, lease_expires_at__lt=now)
        return _end_each(_end_of_lost, lost, at=now)


def _expire(ids: Collection[UUID]) -> Counter[str]:
    if not ids:
        return Counter()
    with transaction.atomic():
        now = database_now()
        waiting = _held(ids, status=Operation.Status.PENDING, queued_at__lt=now - _longest_wait())
        return _end_each(endings.expired, waiting, at=now)


def _held(ids: Collection[UUID], **still: Any) -> QuerySet[Operation]:
    """Locked: a heartbeat must not extend the lease between this look and the change. A row that
    somebody holds is left for the next sweep: a worker that was stopped in the middle of a
    transaction must not hold up the supervisor, and with it everybody else's recovery."""
    return Operation.objects.select_for_update(skip_locked=True).filter(pk__in=ids, **still)


def _end_each(
    end: Callable[[Operation, datetime], Ending], operations: Iterable[Operation], *, at: datetime
) -> Counter[str]:
    ended = _write([end(operation, at) for operation in operations], at=at)
    return Counter(operation.status for operation in ended if operation)


def _write(those: Sequence[Ending], *, at: datetime) -> list[Operation | None]:
    """All together; where that is refused each by itself, so that a row that cannot be written
    keeps nobody else's operation."""
    try:
        with transaction.atomic():
            return write_endings(
                those, at=at, after_swap=lambda _: failpoints.reach("in_sweep_after_swap")
            )
    except Exception as error:
        if is_trouble(error):
            raise
        if len(those) == 1:
            logger.exception(
                "operation.outcome_not_written", operation_id=str(those[0].operation.pk)
            )
            return [None]
    return [written for one in those for written in _write([one], at=at)]


def _end_of_lost(operation: Operation, at: datetime) -> Ending:
    if operation.cancel_requested_at is not None:
        return endings.cancelled(
            operation,
            call=endings.lost_call(operation, Attempt.Outcome.CANCELLED),
            door=Door.SWEEP,
        )
    if operation.losses >= transitions.MAX_LOSSES:
        return endings.lost(operation, at)
    return endings.rescued(operation)

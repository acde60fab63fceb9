"""Leases: how a worker keeps its operations and how the work of a dead one is taken back.

`beat` extends all leases of a drain in one UPDATE; an expired lease is never revived. `sweep` runs
every few seconds in the supervisor: worst recovery after a kill is lease + sweep interval.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from operations import pauses
from operations.clock import database_now
from operations.credentials import installation_credential
from operations.engine import failpoints, ledger, transitions
from operations.errors import AuthenticationError, error_from_code
from operations.models import Attempt, Operation, WorkerHeartbeat

SWEEP_BATCH = 500

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
                    hostname=socket.gethostname()[:100],
                    pid=os.getpid(),
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


def end_leases_of(*, owner: UUID) -> None:
    """The drain's process is known to be dead: let the next sweep take its operations back."""
    now = database_now()
    with transaction.atomic():
        WorkerHeartbeat.objects.filter(pk=owner).delete()
        Operation.objects.filter(status=Operation.Status.RUNNING, lease_owner=owner).update(
            lease_expires_at=now - timedelta(seconds=1)
        )


def asked_to_cancel(*, owner: UUID) -> frozenset[UUID]:
    """The drain's operations that somebody wants stopped."""
    return frozenset(
        Operation.objects.filter(
            status=Operation.Status.RUNNING, lease_owner=owner, cancel_requested_at__isnull=False
        ).values_list("pk", flat=True)
    )


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
    """Take back what dead workers held, end what waited too long, let probes through. Idempotent;
    any number of processes may do it at once."""
    report = SweepReport()
    for operation_id in _expired_leases(database_now()):
        with transaction.atomic():
            _take_back(operation_id, at=database_now(), report=report)
    for operation in _expired_waits(database_now()):
        with transaction.atomic():
            report.expired += _expire(operation, at=database_now())
    with transaction.atomic():
        _follow_installation_credential()
        report.probes = pauses.let_probes_through(at=database_now())
    WorkerHeartbeat.objects.filter(
        expires_at__lt=database_now() - 10 * transitions.lease_length()
    ).delete()
    return report


def rescue(operation_id: UUID) -> bool:
    """Take one operation back, if its lease has ended: what `sweep` does by itself."""
    report = SweepReport()
    with transaction.atomic():
        _take_back(operation_id, at=database_now(), report=report)
    return bool(report.rescued or report.failed or report.cancelled)


def _expired_leases(now: datetime) -> list[UUID]:
    rows = Operation.objects.filter(status=Operation.Status.RUNNING, lease_expires_at__lt=now)
    return list(rows.order_by("lease_expires_at").values_list("pk", flat=True)[:SWEEP_BATCH])


def _expired_waits(now: datetime) -> Iterator[Operation]:
    limit = now - timedelta(seconds=settings.OPERATIONS_EXPIRE_SECONDS)
    rows = Operation.objects.filter(status=Operation.Status.PENDING, queued_at__lt=limit)
    yield from rows.order_by("queued_at")[:SWEEP_BATCH]


def _take_back(operation_id: UUID, *, at: datetime, report: SweepReport) -> None:
    # Locked: a heartbeat must not extend the lease between this look and the change. A row that
    # somebody holds is left for the next sweep: a worker that was stopped in the middle of a
    # transaction must not hold up the supervisor, and with it everybody else's recovery.
    operation = (
        Operation.objects.select_for_update(skip_locked=True)
        .filter(pk=operation_id, status=Operation.Status.RUNNING, lease_expires_at__lt=at)
        .first()
    )
    if operation is None:  # a heartbeat or the result came in between
        return
    fence = operation.fence
    outcome = Attempt.Outcome.LOST
    if operation.cancel_requested_at is not None:
        guard = transitions.Guard((Operation.Status.RUNNING,), fence)
        moved = transitions.cancel(operation, at=at, guard=guard, actor=None, door="sweep")
        report.cancelled += moved
        outcome = Attempt.Outcome.CANCELLED
    elif operation.losses >= transitions.MAX_LOSSES:
        moved = transitions.fail(
            operation, error_from_code("WORKER_LOST"), at=at, fence=fence, door="sweep"
        )
        report.failed += moved
    else:
        moved = transitions.rescue(operation, at=at)
        report.rescued += moved
    if moved:
        failpoints.reach("in_sweep_after_swap")
        # The call may have reached the provider before its worker died.
        ledger.end_attempt(operation, fence=fence, outcome=outcome, at=at, possibly_paid_twice=True)


def _expire(operation: Operation, *, at: datetime) -> int:
    return int(
        transitions.fail(
            operation,
            error_from_code("EXPIRED"),
            at=at,
            fence=operation.fence,
            from_status=Operation.Status.PENDING,
            door="sweep",
        )
    )


def _follow_installation_credential() -> None:
    """Waiting operations use the key that is configured now, not the one of their submission."""
    try:
        current = installation_credential().label
    except AuthenticationError:
        current = ""
    Operation.objects.filter(status=Operation.Status.PENDING, own_key=False).exclude(
        Q(credential=current)
    ).update(credential=current)

"""How work of dead workers is taken back, and how stale workers are kept out."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone
from pytest_django import Settings

from operations.engine import leases, ledger, outcomes, transitions
from operations.engine.endings import Ending
from operations.engine.ledger import CallEnd
from operations.errors import Usage
from operations.models import Attempt, Operation, WorkerHeartbeat
from operations.tests.endings import complete, fail, release
from operations.tests.factories import (
    AttemptFactory,
    OperationFactory,
    WorkerHeartbeatFactory,
)

pytestmark = pytest.mark.django_db

PAST = timedelta(seconds=-5)
USAGE = Usage(input_tokens=9, output_tokens=12, cost_usd=None, model="test-model")


def lost_operation(**values: object) -> Operation:
    operation = OperationFactory(running=True, lease_expires_at=timezone.now() + PAST, **values)
    AttemptFactory(operation=operation, number=1, fence=operation.fence, running=True)
    return operation


def test_expired_lease_is_taken_back_with_a_higher_fence() -> None:
    operation = lost_operation()

    report = leases.sweep()

    operation.refresh_from_db()
    assert report.rescued == 1
    assert operation.status == Operation.Status.PENDING
    assert (operation.fence, operation.losses) == (2, 1)
    assert operation.waiting_reason == Operation.Waiting.RESCUED
    attempt = operation.attempt_ledger.get()
    assert attempt.outcome == Attempt.Outcome.LOST
    assert attempt.possibly_paid_twice


def test_living_lease_is_left_alone() -> None:
    operation = OperationFactory(running=True)

    assert leases.sweep().rescued == 0

    operation.refresh_from_db()
    assert operation.status == Operation.Status.RUNNING


def test_fourth_loss_fails_the_operation() -> None:
    operation = lost_operation(losses=3)

    leases.sweep()

    operation.refresh_from_db()
    assert operation.status == Operation.Status.FAILED
    assert operation.error_code == "WORKER_LOST"
    assert operation.attempt_ledger.get().outcome == Attempt.Outcome.LOST


def test_lost_operation_that_was_asked_to_stop_is_cancelled() -> None:
    operation = lost_operation(cancel_requested_at=timezone.now())

    leases.sweep()

    operation.refresh_from_db()
    assert operation.status == Operation.Status.CANCELLED


def test_result_of_a_stale_worker_is_refused_and_its_bill_kept() -> None:
    operation = lost_operation()
    stale = Operation.objects.get(pk=operation.pk)
    leases.sweep()

    written = complete(stale, usage=USAGE)
    ledger.mark_fenced(stale, fence=1, at=timezone.now(), usage=USAGE)

    operation.refresh_from_db()
    assert not written
    assert operation.status == Operation.Status.PENDING
    attempt = operation.attempt_ledger.get()
    assert attempt.outcome == Attempt.Outcome.FENCED
    assert (attempt.input_tokens, attempt.output_tokens) == (9, 12)
    assert (operation.input_tokens, operation.output_tokens) == (9, 12)


def test_stale_worker_is_refused_while_a_newer_one_runs() -> None:
    """The status alone would let it through: the row is running, but for somebody else."""
    operation = lost_operation()
    stale = Operation.objects.get(pk=operation.pk)
    leases.sweep()
    operation.refresh_from_db()
    (newer,) = transitions.claim(
        [operation], owner=uuid.uuid4(), at=timezone.now(), lease=timedelta(seconds=30)
    )
    at = timezone.now()

    assert not complete(stale, usage=USAGE)
    assert not fail(stale)
    assert not release(stale)
    assert ledger.start_next_attempts([(stale, "test-model")], at=at) == [None]
    assert not ledger.note_backoffs([CallEnd(stale, "failed", wait_seconds=1.0)], at=at)

    operation.refresh_from_db()
    assert (operation.status, operation.fence) == ("running", newer.fence)


def test_operation_whose_end_is_refused_keeps_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = [lost_operation() for _ in range(3)]
    write = outcomes.write_endings

    def refuse_one(endings: Sequence[Ending], **options: Any) -> list[Operation | None]:
        written = write(endings, **options)
        if lost[1] in [ending.operation for ending in endings]:
            raise IntegrityError("its row cannot be written")
        return written

    monkeypatch.setattr(leases, "write_endings", refuse_one)

    assert leases.sweep().rescued == 2
    assert [Operation.objects.get(pk=one.pk).status for one in lost] == [
        "pending",
        "running",
        "pending",
    ]
    assert Attempt.objects.filter(outcome="lost").count() == 2


def test_heartbeat_extends_living_leases_only() -> None:
    owner = uuid.uuid4()
    WorkerHeartbeatFactory(id=owner)
    alive = OperationFactory(running=True, lease_owner=owner)
    dead = OperationFactory(running=True, lease_owner=owner, lease_expires_at=timezone.now() + PAST)
    alive_until, dead_until = alive.lease_expires_at, dead.lease_expires_at
    Operation.objects.filter(pk=alive.pk).update(
        lease_expires_at=timezone.now() + timedelta(milliseconds=900)
    )

    holding = leases.beat(owner=owner, held=[alive.pk, dead.pk])

    alive.refresh_from_db()
    dead.refresh_from_db()
    assert alive.lease_expires_at > timezone.now() + timedelta(seconds=1)
    assert alive.lease_expires_at != alive_until
    assert dead.lease_expires_at == dead_until
    assert set(holding.fences) == {alive.pk, dead.pk}


def test_refused_answer_is_billed_beside_the_answer_that_counts() -> None:
    """The older worker's late answer comes between the newer one's claim and its commit."""
    operation = lost_operation()
    stale = Operation.objects.get(pk=operation.pk)
    leases.sweep()
    operation.refresh_from_db()
    now = timezone.now()
    owner, lease = uuid.uuid4(), timedelta(seconds=30)
    (current,) = transitions.claim([operation], owner=owner, at=now, lease=lease)
    ledger.start_next_attempts([(current, "test-model")], at=now)

    ledger.mark_fenced(stale, fence=1, at=now, usage=USAGE)
    complete(current, usage=USAGE)

    operation.refresh_from_db()
    assert (operation.input_tokens, operation.output_tokens) == (18, 24)


def test_drain_whose_slot_was_taken_is_told() -> None:
    mine, successor = WorkerHeartbeatFactory(), uuid.uuid4()
    assert leases.beat(owner=mine.pk, held=[]).is_signed_on

    WorkerHeartbeat.objects.update(expires_at=timezone.now() + PAST)
    leases.sign_on(owner=successor, supervisor=mine.supervisor, slot=mine.slot)

    assert not leases.beat(owner=mine.pk, held=[]).is_signed_on


def test_waiting_too_long_expires(settings: Settings) -> None:
    settings.OPERATIONS_EXPIRE_SECONDS = 60
    operation = OperationFactory(queued_at=timezone.now() - timedelta(seconds=61))
    fresh = OperationFactory()

    assert leases.sweep().expired == 1

    operation.refresh_from_db()
    fresh.refresh_from_db()
    assert (operation.status, operation.error_code) == ("failed", "EXPIRED")
    assert fresh.status == Operation.Status.PENDING


def test_leases_of_a_process_known_to_be_dead_end_at_once() -> None:
    heartbeat = WorkerHeartbeatFactory()
    operation = OperationFactory(running=True, lease_owner=heartbeat.pk)

    leases.end_leases_of(owner=heartbeat.pk)
    leases.sweep()

    operation.refresh_from_db()
    assert operation.status == Operation.Status.PENDING
    assert not WorkerHeartbeat.objects.exists()


def test_slot_takes_one_living_drain() -> None:
    first, second = uuid.uuid4(), uuid.uuid4()

    assert leases.sign_on(owner=first, supervisor="s", slot=0)
    assert not leases.sign_on(owner=second, supervisor="s", slot=0)
    assert leases.sign_on(owner=second, supervisor="s", slot=1)


def test_slot_that_was_given_up_takes_a_successor() -> None:
    first, second = uuid.uuid4(), uuid.uuid4()
    leases.sign_on(owner=first, supervisor="s", slot=0)

    leases.give_up_slot(owner=first)

    assert leases.sign_on(owner=second, supervisor="s", slot=0)

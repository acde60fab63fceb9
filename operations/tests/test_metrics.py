"""Counters are written with what they count, and folding changes no sum."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from operations import metrics
from operations.engine import leases, ledger
from operations.models import MetricDelta, MetricTotal, Operation
from operations.tests.endings import fail
from operations.tests.factories import AttemptFactory, OperationFactory
from operations.tests.fault_server import FaultServer

pytestmark = pytest.mark.django_db


def count(name: str, **labels: str) -> int:
    return sum(
        sample.count
        for (found, said, _), sample in metrics.snapshot().items()
        if found == name and all(f'"{key}": "{value}"' in said for key, value in labels.items())
    )


def test_final_status_is_counted_by_kind_status_and_category() -> None:
    fail(OperationFactory(running=True))

    assert count(metrics.OPERATIONS, status="failed", category="server_error") == 1
    assert count(metrics.OPERATION_DURATION) == 1


def test_rolled_back_transition_is_not_counted() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        fail(OperationFactory(running=True))
        raise ZeroDivisionError

    assert not MetricDelta.objects.exists()


def test_folding_keeps_every_sum_and_leaves_no_rows() -> None:
    for _ in range(3):
        fail(OperationFactory(running=True))
    before = metrics.snapshot()
    metrics.fold()
    fail(OperationFactory(running=True))
    metrics.fold()

    assert not MetricDelta.objects.exists()
    assert count(metrics.OPERATIONS, category="server_error") == 4
    assert set(metrics.snapshot()) >= set(before)


def test_deleting_operations_lowers_no_total() -> None:
    fail(OperationFactory(running=True))
    metrics.fold()

    Operation.objects.all().delete()

    assert count(metrics.OPERATIONS) == 1
    assert MetricTotal.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_each_call_is_counted_by_outcome(
    submit: Callable[..., Operation], provider: FaultServer, drain: Callable[[], None]
) -> None:
    provider.playing = "server_500*2,ok"
    submit()

    drain()

    assert count(metrics.ATTEMPTS, outcome="failed", category="server_error") == 2
    assert count(metrics.ATTEMPTS, outcome="succeeded") == 1
    assert count(metrics.REQUEST_DURATION) == 3
    assert count(metrics.OPERATIONS, status="completed") == 1


def test_attempt_that_is_lost_and_answered_late_is_one_attempt() -> None:
    operation = OperationFactory(
        running=True, lease_expires_at=timezone.now() - timedelta(seconds=5)
    )
    AttemptFactory(operation=operation, number=1, fence=1, running=True)
    leases.sweep()

    ledger.mark_fenced(operation, fence=1, at=timezone.now(), usage=None)

    assert count(metrics.ATTEMPTS) == 1
    assert count(metrics.PAID_TWICE) == 1

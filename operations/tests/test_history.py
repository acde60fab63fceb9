"""What happened stays as it was: a repair adds to the figures of its own hour alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test import Client

from operations import metrics
from operations.console import counts
from operations.errors import Usage
from operations.models import Operation
from operations.services import retry_operation
from operations.tests.endings import complete, fail
from operations.tests.factories import OperationFactory

pytestmark = pytest.mark.django_db(transaction=True)

BEGAN = datetime(2026, 11, 27, 22, 0, tzinfo=UTC)
FAILED, COMPLETED = 20, 9
USAGE = Usage(input_tokens=9, output_tokens=4, cost_usd=None, model="m")


def take(operation: Operation) -> Operation:
    """Claimed by a worker, as a row."""
    running = OperationFactory.build(running=True)
    Operation.objects.filter(pk=operation.pk).update(
        status="running",
        fence=operation.fence + 1,
        waiting_reason="",
        lease_owner=running.lease_owner,
        lease_expires_at=running.lease_expires_at,
        started_at=running.started_at,
    )
    operation.refresh_from_db()
    return operation


def last_hour() -> tuple[int, int]:
    buckets = counts.last_hour()
    return sum(each.completed for each in buckets), sum(each.failed for each in buckets)


def incident_minutes() -> list[tuple[datetime, int, int]]:
    """Of the console's chart: what ended before the repair."""
    return [
        (each.at, each.completed, each.failed)
        for each in counts.last_hour()
        if each.at < BEGAN + timedelta(minutes=10)
    ]


def stats(client: Client) -> tuple[Any, Any]:
    out = StringIO()
    call_command("operation_stats", "--json", stdout=out)
    api = client.get("/api/v1/operations/stats/").json()
    return json.loads(out.getvalue())["errors"]["1h"], api["errors"]["1h"]


@pytest.mark.parametrize("folds", [True, False], ids=["folded", "not folded"])
def test_hour_of_an_incident_is_the_same_after_a_bulk_repair(
    folds: bool, admin_client: Client
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("a server's clock is not moved by this process")
    with time_machine.travel(BEGAN, tick=False) as clock:
        failed = OperationFactory.create_batch(FAILED, running=True)
        for operation in failed:
            fail(operation)
        for operation in OperationFactory.create_batch(COMPLETED, running=True):
            complete(operation, usage=USAGE)
        metrics.fold()
        clock.shift(timedelta(minutes=20))
        before = incident_minutes()
        assert last_hour() == (COMPLETED, FAILED)

        for operation in failed:
            retry_operation(operation_id=operation.pk, door="admin")
            operation.refresh_from_db()
            complete(take(operation), usage=USAGE)
        if folds:
            metrics.fold()

        assert Operation.objects.filter(status="failed").count() == 0
        assert incident_minutes() == before
        assert last_hour() == (COMPLETED + FAILED, FAILED)
        assert stats(admin_client) == ({"server_error": FAILED}, {"server_error": FAILED})


def test_minutes_are_added_up_and_forgotten_after_a_week() -> None:
    fail(OperationFactory(running=True))
    metrics.fold()
    fail(OperationFactory(running=True))
    metrics.fold()
    assert counts.errors_since(timedelta(hours=1)) == {"server_error": 2}

    with time_machine.travel(datetime.now(UTC) + timedelta(days=8), tick=False):
        if connection.vendor == "sqlite":
            metrics.prune()
            assert counts.errors_since(timedelta(days=30)) == {}

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
from django.test.utils import CaptureQueriesContext

from operations import metrics
from operations.console import counts, history
from operations.console.health import health
from operations.database.clock import database_now
from operations.errors import Usage
from operations.models import PROVIDER_PROBE, MetricMinute, Operation
from operations.services import retry_operation
from operations.tests.endings import complete, fail
from operations.tests.factories import AttemptFactory, OperationFactory

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
    buckets = history.last_hour()
    return sum(each.completed for each in buckets), sum(each.failed for each in buckets)


def incident_minutes() -> list[tuple[datetime, int, int]]:
    """Of the console's chart: what ended before the repair."""
    return [
        (each.at, each.completed, each.failed)
        for each in history.last_hour()
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


def test_what_is_folded_while_somebody_looks_is_counted_once() -> None:
    fail(OperationFactory(running=True))
    looks: list[str] = []

    def fold_after_the_first(execute: Any, sql: str, *rest: Any) -> Any:
        found = execute(sql, *rest)
        is_look = "operations_metric" in sql and sql.lstrip("(").startswith("SELECT")
        if is_look and not looks:
            looks.append(sql)
            metrics.fold()
        return found

    with connection.execute_wrapper(fold_after_the_first):
        seen = counts.errors_since(timedelta(hours=1))

    assert looks
    assert seen == {"server_error": 1}
    assert counts.errors_since(timedelta(hours=1)) == {"server_error": 1}


def test_probes_are_in_no_figure_of_how_people_fare() -> None:
    probe = OperationFactory(running=True, kind=PROVIDER_PROBE)
    AttemptFactory(operation=probe, number=1, fence=1, running=True)
    fail(probe, "INVALID_API_KEY")
    for _ in range(2):
        assert counts.errors_since(timedelta(hours=1)) == {}
        assert metrics.ended_since(metrics.ATTEMPTS, BEGAN) == []
        assert health().calls.count == 0
        metrics.fold()

    fail(OperationFactory(running=True))
    assert counts.errors_since(timedelta(hours=1)) == {"server_error": 1}


def test_charts_show_the_hour_the_day_and_the_week(admin_client: Client) -> None:
    """Out of the minutes, not of the rows, which may be retried or deleted since."""
    now = database_now()
    for ago, outcome, category, count in (
        (timedelta(minutes=10), "completed", "", 5),
        (timedelta(minutes=20), "failed", "server_error", 2),
        (timedelta(minutes=21), "failed", "network", 3),
        (timedelta(hours=5), "failed", "rate_limit", 7),
        (timedelta(days=5), "completed", "", 11),
        (timedelta(days=8), "failed", "network", 999),
    ):
        MetricMinute.objects.create(
            minute=(now - ago).replace(second=0, microsecond=0),
            name=metrics.OPERATIONS,
            outcome=outcome,
            category=category,
            count=count,
        )
    complete(OperationFactory(running=True), usage=USAGE)  # not folded yet

    page = admin_client.get("/admin/operations/operation/charts/")

    hour, day, week = page.context["charts"]
    assert [(chart.completed, chart.failed) for chart in (hour, day, week)] == [
        (6, 5),
        (6, 12),
        (17, 12),
    ]
    assert [row.categories for row in day.rows if row.failed == 7] == ["rate_limit 7"]
    said = page.content.decode()
    assert "The last 24 hours: 6 completed, 12 failed" in said
    assert said.count("<rect") == sum(len(chart.bars) for chart in (hour, day, week)) > 6


def test_charts_cost_two_looks_at_the_minutes() -> None:
    with CaptureQueriesContext(connection) as sent:
        history.endings()

    assert len([query for query in sent if "operations_metric" in query["sql"]]) == 2

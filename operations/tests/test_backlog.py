"""What is asked about a backlog every two seconds costs the same however long it is."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from operations.console import counts
from operations.console.health import health
from operations.credentials import installation_credential
from operations.database import backlog
from operations.database.backlog import Due
from operations.engine import leases
from operations.models import Operation
from operations.tests.factories import OperationFactory, ProviderPauseFactory, UserFactory

pytestmark = pytest.mark.django_db

FEW, MANY = 1_100, 12_000
"""More than are counted, and more than PostgreSQL would rather read all of."""

SLACK = 20
"""Of rows, or of hundreds of SQLite's instructions: 10,900 more rows are 500 of those at least."""

OLD_KEY = "https://old.example.org/v1#000000000000"
MINUTE = timedelta(minutes=1)
LOOKS = (leases.sweep, health)
LATER = {"next_attempt_at": timezone.now() + timedelta(hours=1)}


def make_backlog(count: int, **values: Any) -> None:
    """So many pending operations for the installation's key, copied by the database itself."""
    row = OperationFactory(**values)
    names = [str(field.column) for field in Operation._meta.concrete_fields]
    new_id = {"sqlite": "lower(hex(randomblob(16)))", "postgresql": "gen_random_uuid()"}
    own = {"id": new_id[connection.vendor], "subject_id": f"n || '{uuid.uuid4().hex[:12]}'"}
    sql = f"""
        WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count})
        INSERT INTO operations_operation ({", ".join(names)})
        SELECT {", ".join(own.get(name, name) for name in names)}
        FROM operations_operation, s WHERE id = %s"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [row.pk.hex if connection.vendor == "sqlite" else row.pk])
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE operations_operation")


def steps_on_sqlite(look: Callable[[], object]) -> int:
    """Hundreds of instructions of its virtual machine: some for each entry that is passed."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection.connection.set_progress_handler(count, 100)
    look()
    connection.connection.set_progress_handler(None, 0)
    return steps


def rows_on_postgresql(look: Callable[[], object]) -> int:
    before = rows_read()
    look()
    return rows_read() - before


def rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = %s",
            [Operation._meta.db_table],
        )
        return int(cursor.fetchone()[0])


def cost(look: Callable[[], object]) -> int:
    """How much was visited, by the database's own count. Twice, because the first one finds its
    statement unknown, or a probe to let through."""
    look()
    return {"sqlite": steps_on_sqlite, "postgresql": rows_on_postgresql}[connection.vendor](look)


def pause(credential: str) -> None:
    """Refused so long ago that the next sweep lets a probe through."""
    ProviderPauseFactory(credential=credential, probed_at=timezone.now() - timedelta(hours=1))


@pytest.mark.parametrize(
    ("values", "paused"),
    [({}, ""), ({}, "it"), ({}, "another"), (LATER, ""), (LATER, "it")],
    ids=["due", "paused", "another paused", "deferred", "deferred and paused"],
)
def test_looks_at_a_long_backlog_visit_no_more_than_at_a_short_one(
    values: dict[str, Any], paused: str
) -> None:
    if paused:
        pause(installation_credential().label if paused == "it" else OLD_KEY)
    make_backlog(FEW, **values)
    short = [cost(look) for look in LOOKS]

    make_backlog(MANY - FEW, **values)

    long = [cost(look) for look in LOOKS]
    assert [at_long <= at_short + SLACK for at_short, at_long in zip(short, long, strict=True)] == [
        True,
        True,
    ], (short, long)


def test_due_is_counted_by_key_from_when_each_could_be_claimed() -> None:
    now = timezone.now()
    paused, other = UserFactory(), UserFactory()
    ProviderPauseFactory(credential="theirs", own_key_owner=paused)
    OperationFactory(queued_at=now - 9 * MINUTE, next_attempt_at=now + MINUTE)
    OperationFactory(queued_at=now - 8 * MINUTE, next_attempt_at=now - 2 * MINUTE)
    OperationFactory(queued_at=now - MINUTE)
    OperationFactory(queued_at=now - 5 * MINUTE, running=True)
    OperationFactory(queued_at=now - 5 * MINUTE, own_key=True, owner=paused)
    OperationFactory(queued_at=now - 4 * MINUTE, own_key=True, owner=other)

    assert sorted(backlog.due_by_key(now), key=lambda due: due.since) == [
        Due(own_key=True, is_held=True, count=1, since=now - 5 * MINUTE),
        Due(own_key=True, is_held=False, count=1, since=now - 4 * MINUTE),
        Due(own_key=False, is_held=False, count=2, since=now - 2 * MINUTE),
    ]


def test_health_leaves_out_what_is_paused() -> None:
    now = timezone.now()
    OperationFactory(queued_at=now - 9 * MINUTE)
    OperationFactory(queued_at=now - 5 * MINUTE, own_key=True, owner=UserFactory())
    ProviderPauseFactory(credential="a")

    seen = health()

    assert (seen.due.count, seen.due.words, seen.paused.count) == (1, "1", 1)
    assert 300 <= seen.due.oldest_seconds < 330
    assert 540 <= seen.paused.oldest_seconds < 570


def test_health_says_that_it_did_not_count_on_and_the_statistics_do() -> None:
    make_backlog(backlog.COUNTED)

    seen = health().due

    assert (seen.count, seen.words) == (1000, "1000 or more")
    assert counts.stats()["due"] == Operation.objects.count() == 1001

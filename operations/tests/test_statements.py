"""How many statements an end costs. Each is a round trip on PostgreSQL, and time under the only
write lock on SQLite."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from operations import openai_service
from operations.engine import leases
from operations.engine.calling import FailedCall, NextCall, note_failed_calls, start_next_calls
from operations.engine.claims import claim_batch
from operations.engine.database_thread import DatabaseThread
from operations.engine.failing import Failure, fail_together
from operations.engine.running import Run
from operations.engine.stopping import Stop, cancel_together, release_together
from operations.errors import error_from_code
from operations.models import Operation
from operations.tests.factories import AttemptFactory, OperationFactory
from operations.tests.fault_server import FaultServer

pytestmark = pytest.mark.django_db(transaction=True)

Step = Callable[[list[Any]], Sequence[Operation | None]]

BOUNDS_OF_TRANSACTIONS = ("BEGIN", "COMMIT")


@pytest.fixture
def statements() -> Iterator[Callable[[], list[str]]]:
    """What the database threads of this test have sent, but for the bounds of transactions."""
    threads: list[BaseDatabaseWrapper] = []

    def watch(connection: BaseDatabaseWrapper, **_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            return
        connection.force_debug_cursor = True
        threads.append(connection)

    def sent() -> list[str]:
        said = [query["sql"] for thread in threads for query in thread.queries_log]
        return [
            sql
            for sql in said
            # What alerts ask is asked after the commit.
            if not sql.startswith(BOUNDS_OF_TRANSACTIONS) and "operations_alert" not in sql
        ]

    connection_created.connect(watch)
    yield sent
    connection_created.disconnect(watch)


async def run_alone() -> None:
    """One operation from its claim to its end, beside nothing: no heartbeats, no looks."""
    database = DatabaseThread()
    database.start()
    (claim,) = await database.run(partial(claim_batch, owner=uuid.uuid4(), limit=1))
    await Run(claim, database).execute()
    await openai_service.close()
    database.stop(5)


@pytest.mark.parametrize(
    ("playing", "status", "on_postgresql", "on_sqlite"),
    [
        ("ok", "completed", 6, 10),  # one of them is the row of the kind
        ("server_500", "failed", 11, 24),  # four calls
        ("rate_limit_tpm", "failed", 5, 9),
        ("auth_invalid_api_key", "failed", 8, 12),
    ],
    ids=["success", "outage", "rate limit", "refused key"],
)
def test_operation_alone_costs_so_many_statements(
    playing: str,
    status: str,
    on_postgresql: int,
    on_sqlite: int,
    submit: Callable[..., Operation],
    provider: FaultServer,
    statements: Callable[[], list[str]],
) -> None:
    provider.playing = playing
    operation = submit()

    asyncio.run(run_alone())

    operation.refresh_from_db()
    assert operation.status == status
    expected = on_postgresql if connection.vendor == "postgresql" else on_sqlite
    assert len(statements()) == expected, "\n".join(statements())


def running(**values: Any) -> Operation:
    operation = OperationFactory(running=True, credential="https://api.example.org#1", **values)
    AttemptFactory(operation=operation, number=1, fence=operation.fence, running=True)
    return Operation.objects.get(pk=operation.pk)


def between_calls() -> Operation:
    operation = OperationFactory(running=True)
    AttemptFactory(operation=operation, number=1, fence=operation.fence)
    Operation.objects.filter(pk=operation.pk).update(attempts=1, run_attempts=1)
    return Operation.objects.get(pk=operation.pk)


def failure(code: str) -> Failure:
    return Failure(running(), error_from_code(code, retry_after=5.0), 1)


GROUPS: dict[str, tuple[Step, Callable[[], Any]]] = {
    "failed": (fail_together, partial(failure, "SERVER_ERROR")),
    "failed by their key": (fail_together, partial(failure, "INVALID_API_KEY")),
    "deferred": (fail_together, partial(failure, "RATE_LIMIT_EXCEEDED")),
    "backing off": (
        note_failed_calls,
        lambda: FailedCall(running(), error_from_code("SERVER_ERROR"), 1.0, 1),
    ),
    "called again": (start_next_calls, lambda: NextCall(between_calls(), "model")),
    "released": (release_together, lambda: Stop(running(), 1)),
    "cancelled": (
        cancel_together,
        lambda: Stop(running(cancel_requested_at=timezone.now()), 1),
    ),
}


def write_together(step: Step, items: list[Any]) -> list[Operation | None]:
    """In one group of the database thread."""

    async def together() -> list[Operation | None]:
        database = DatabaseThread()
        waiting = [asyncio.create_task(database.run_together(step, item)) for item in items]
        await asyncio.sleep(0)  # all are in the queue before the thread looks at it
        database.start()
        written = await asyncio.gather(*waiting)
        database.stop(5)
        return list(written)

    return asyncio.run(together())


@pytest.mark.parametrize("name", GROUPS)
def test_many_that_end_together_cost_no_more_statements_than_one(
    name: str, settings: Settings, statements: Callable[[], list[str]]
) -> None:
    settings.OPERATIONS_DEFER_RATE_LIMITED = True
    step, item = GROUPS[name]

    sent = []
    for number in (1, 1, 40):  # the first may open a pause
        before = len(statements())
        written = write_together(step, [item() for _ in range(number)])
        sent.append(len(statements()) - before)
        assert all(written)

    assert sent[1] == sent[2], "\n".join(sql[:120] for sql in statements())


def test_one_of_a_group_that_lost_its_lease_costs_its_neighbours_nothing(
    statements: Callable[[], list[str]],
) -> None:
    failures = [failure("SERVER_ERROR") for _ in range(5)]
    Operation.objects.filter(pk=failures[2].operation.pk).update(fence=7)

    failed = write_together(fail_together, failures)

    assert [operation is not None for operation in failed] == [True, True, False, True, True]
    assert len([sql for sql in statements() if sql.startswith(("UPDATE", "WITH"))]) == 2


def test_sweep_takes_many_back_in_as_many_statements_as_one() -> None:
    past = timezone.now() - timedelta(seconds=5)
    sent = []
    for number in (1, 40):
        for _ in range(number):
            running(lease_expires_at=past)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            report = leases.sweep()
        assert report.rescued == number
        sent.append(len(queries))

    assert sent[0] == sent[1]

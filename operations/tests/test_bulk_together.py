"""Any number of supervisors may go on with one bulk action: each item is done once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from operations.console import bulk
from operations.models import BulkAction, Operation, OperationEvent
from operations.tests.factories import OperationFactory

pytestmark = pytest.mark.django_db(transaction=True)


def at_the_same_time(step: Callable[[], object], times: int) -> None:
    barrier = threading.Barrier(times)

    def run() -> None:
        barrier.wait()
        try:
            step()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_two_supervisors_do_each_item_once() -> None:
    OperationFactory.create_batch(60, failed=True)
    action = bulk.draft(verb="retry", operations=Operation.objects.all(), actor=None)
    bulk.start(action)

    at_the_same_time(lambda: bulk.run_due(seconds=20), 2)

    assert bulk.outcomes(action) == {"waiting": 0, "changed": 60, "skipped": 0, "failed": 0}
    assert OperationEvent.objects.filter(name="operation.retried").count() == 60
    action.refresh_from_db()
    assert action.state == BulkAction.State.DONE


def test_what_a_killed_supervisor_had_not_committed_is_done_by_the_next() -> None:
    OperationFactory.create_batch(3, failed=True)
    action = bulk.draft(verb="retry", operations=Operation.objects.all(), actor=None)
    bulk.start(action)

    class Killed(BaseException):
        """Passes through everything, as the end of a process does."""

    def die(*_: object) -> None:
        raise Killed

    with pytest.raises(Killed), connection.execute_wrapper(dies_at("operations_bulkitem", die)):
        bulk.run_due()
    assert bulk.outcomes(action)["waiting"] == 3
    assert not Operation.objects.filter(status=Operation.Status.PENDING).exists()

    bulk.run_due()

    assert bulk.outcomes(action)["changed"] == 3
    assert OperationEvent.objects.filter(name="operation.retried").count() == 3


def dies_at(table: str, die: Callable[[], None]) -> Callable[..., object]:
    """The database is cut off at the second write of an item's outcome."""
    writes = 0

    def wrapper(execute: Callable[..., object], sql: str, *arguments: object) -> object:
        nonlocal writes
        writes += sql.startswith(f'UPDATE "{table}"')
        if writes == 2:
            die()
        return execute(sql, *arguments)

    return wrapper

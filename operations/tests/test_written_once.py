"""A read whose SQL was written once reads what the queryset would."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from operations.database.clock import DatabaseNow, database_now
from operations.database.written_once import Place, WrittenOnce
from operations.models import Operation
from operations.tests.factories import OperationFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

OF_OWNER = WrittenOnce(
    lambda: Operation.objects.filter(owner=Place("owner", User._meta.pk)).select_related("owner")
)
COUNTS = WrittenOnce(
    lambda: (
        Operation.objects.filter(kind=Place("kind", Operation._meta.get_field("kind")))
        .order_by()
        .values("owner")
        .annotate(count=Count("pk"))
        .values_list("owner", "count")
    )
)
DUE = WrittenOnce(lambda: Operation.objects.filter(next_attempt_at__lte=DatabaseNow()))


def test_each_use_reads_by_its_own_values_with_what_is_joined() -> None:
    first, second = OperationFactory(owner=UserFactory()), OperationFactory(owner=UserFactory())

    read = {owner: OF_OWNER(owner=owner.pk) for owner in (first.owner, second.owner)}

    assert read == {first.owner: [first], second.owner: [second]}
    with CaptureQueriesContext(connection) as asked:
        assert [each.owner for each in read[second.owner]] == [second.owner]
    assert not asked.captured_queries


def test_values_are_read_as_well_as_rows() -> None:
    owner = UserFactory()
    OperationFactory.create_batch(3, owner=owner, kind="question_generation")

    assert COUNTS(kind="question_generation") == [(owner.pk, 3)]
    assert COUNTS(kind="session_summary") == []


def test_time_is_that_of_the_use() -> None:
    assert DUE() == []

    row = OperationFactory(next_attempt_at=database_now())

    assert DUE() == [row]
    Operation.objects.update(next_attempt_at=database_now() + timedelta(hours=1))
    assert DUE() == []


def test_each_thread_reads_by_its_own_connection() -> None:
    row = OperationFactory(owner=UserFactory())
    assert OF_OWNER(owner=row.owner.pk) == [row]

    found = _in_thread(lambda: OF_OWNER(owner=row.owner.pk))

    assert found == [row]


def _in_thread(read: Callable[[], list[Operation]]) -> list[Operation]:
    found: list[Operation] = []

    def run() -> None:
        try:
            found.extend(read())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found

"""Claims where one lock is held for all writes: the rows are read before it is asked for.

In a file of its own, because the suite's run on PostgreSQL may skip nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from operations.engine.claims import Choice, UnderLock, claim_batch, look
from operations.models import Operation

pytestmark = pytest.mark.django_db

Submit = Callable[..., Operation]


@pytest.fixture(autouse=True)
def only_on_sqlite() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL locks the rows that it reads, and chooses its plans by statistics")


def test_claim_reads_the_queue_in_its_order_and_sorts_nothing(submit: Submit) -> None:
    submit()
    with CaptureQueriesContext(connection) as captured:
        claim_batch(owner=uuid.uuid4(), limit=10)
    (due,) = [each["sql"] for each in captured if "ORDER BY turn_at" in each["sql"]]

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {due}")
        plan = " ".join(str(row[-1]) for row in cursor.fetchall())

    assert "operation_due" in plan
    assert "TEMP B-TREE" not in plan


def test_more_than_one_claim_takes_is_chosen_under_the_lock(submit: Submit) -> None:
    for _ in range(3):
        submit()

    assert look(limit=3) == UnderLock()


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"fence": 2, "run": 2},  # cancelled and retried
        {"fence": 1, "status": "running", "lease_owner": uuid.UUID(int=7)},
    ],
    ids=["retried", "claimed by another"],
)
def test_what_changed_since_the_look_is_not_taken_as_it_was(
    submit: Submit, meanwhile: dict[str, object]
) -> None:
    operation = submit()
    seen = look(limit=10)
    assert isinstance(seen, Choice)
    lease = {"lease_expires_at": timezone.now()} if "lease_owner" in meanwhile else {}
    Operation.objects.filter(pk=operation.pk).update(**meanwhile, **lease)

    with transaction.atomic():
        claims = claim_batch(seen, owner=uuid.uuid4(), limit=10)

    assert claims == []
    row = Operation.objects.get(pk=operation.pk)
    assert {name: getattr(row, name) for name in meanwhile} == meanwhile
    assert not row.attempt_ledger.exists()

"""One statement for many rows, on both databases: types, nulls, and what it leaves alone."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from operations.database.batch_sql import (
    insert_each,
    insert_instances,
    insert_statements,
    update_each,
)
from operations.models import MetricTotal, Operation, OperationEvent
from operations.tests.factories import OperationFactory

pytestmark = pytest.mark.django_db

ADDED = ("input_tokens", "cost_usd")


def update(*rows: dict[str, object]) -> list[tuple[Any, ...]]:
    return update_each(
        Operation,
        rows,
        match=("id", "fence"),
        where={"status": "pending"},
        same={"updated_at": timezone.now(), "is_probe": True, "next_attempt_at": None},
        add=ADDED,
    )


def values(
    operation: Operation, *, fence: int = 0, tokens: int = 1, cost: str | None = None
) -> dict[str, object]:
    price = Decimal(cost) if cost else None
    named = {"model": f"model-{tokens}", "input_tokens": tokens, "cost_usd": price}
    return {"id": operation.pk, "fence": fence, **named}


def test_each_row_gets_its_own_values_and_all_the_same_ones() -> None:
    first, second = OperationFactory(input_tokens=5), OperationFactory()

    moved = update(values(first, tokens=2), values(second, tokens=3))

    assert set(moved) == {(first.pk, 0), (second.pk, 0)}

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.model, first.input_tokens, first.is_probe) == ("model-2", 7, True)
    assert (second.model, second.input_tokens, second.is_probe) == ("model-3", 3, True)


@pytest.mark.parametrize(
    ("stored", "cost", "total"),
    [
        (None, None, None),
        (None, "0.000125", "0.000125"),
        ("0.5", None, "0.5"),
        ("0.5", "0.000125", "0.500125"),
    ],
)
def test_null_adds_nothing(stored: str | None, cost: str | None, total: str | None) -> None:
    operation = OperationFactory(cost_usd=Decimal(stored) if stored else None)

    update(values(operation, cost=cost))

    operation.refresh_from_db()
    assert operation.cost_usd == (Decimal(total) if total else None)


def test_numbers_are_raised_and_the_old_ones_still_match() -> None:
    operation = OperationFactory(fence=4, attempts=2)

    moved = update_each(
        Operation,
        [{"id": operation.pk, "fence": 4}],
        match=("id", "fence"),
        where={"status": "pending"},
        same={"updated_at": timezone.now()},
        raise_by={"fence": 1, "attempts": 3},
    )

    operation.refresh_from_db()
    assert moved == [(operation.pk, 5)]
    assert (operation.fence, operation.attempts) == (5, 5)


def test_instances_are_inserted_as_save_would() -> None:
    given = OperationFactory.build(parameters={"questions": 5}, cost_usd=Decimal("0.000125"))

    insert_instances([given])

    stored = Operation.objects.get(pk=given.pk)
    names = [field.attname for field in Operation._meta.concrete_fields]
    assert {name: getattr(stored, name) for name in names} == {
        name: getattr(given, name) for name in names
    }
    given.kind = "renamed"
    given.save()  # it knows that its row is there
    assert Operation.objects.get().kind == "renamed"


def test_instances_without_a_key_get_one_from_the_database() -> None:
    insert_instances([MetricTotal(name=name, labels="{}", bucket=-1) for name in ("a", "b")])

    stored = MetricTotal.objects.order_by("pk")
    assert [(row.name, row.labels, row.count) for row in stored] == [("a", "{}", 0), ("b", "{}", 0)]


def test_row_of_another_fence_status_or_name_is_left_alone() -> None:
    moved, running = OperationFactory(fence=2), OperationFactory(running=True)
    gone = OperationFactory.build()

    assert update(values(moved, fence=1), values(running, fence=1), values(gone)) == []

    assert not Operation.objects.filter(is_probe=True).exists()


def test_text_is_never_read_as_sql() -> None:
    operation = OperationFactory(session_id=uuid.uuid4())
    name = "'); DROP TABLE x; -- %s"

    assert update({**values(operation), "model": name})

    operation.refresh_from_db()
    assert operation.model == name


def test_inserted_rows_get_their_values_the_same_ones_and_the_defaults() -> None:
    first, second = OperationFactory(), OperationFactory()
    at = timezone.now()

    insert_each(
        OperationEvent,
        [
            {"operation_id": first.pk, "fence": 1, "detail": {"code": "a'b"}},
            {"operation_id": second.pk, "fence": 2, "detail": {}},
        ],
        same={"name": "operation.claimed", "at": at, "actor_id": None},
    )

    one, other = OperationEvent.objects.order_by("fence")
    assert (one.operation, one.detail, one.at, one.door) == (first, {"code": "a'b"}, at, "")
    assert (other.operation, other.detail, other.actor) == (second, {}, None)


def test_what_all_rows_have_is_sent_once_and_only_what_is_the_same() -> None:
    first, second = OperationFactory(), OperationFactory()
    rows: list[dict[str, object]] = [
        {"operation_id": first.pk, "name": "n", "actor_id": None, "fence": 1, "detail": {"a": 1}},
        # Equal to the first, to Python.
        {
            "operation_id": second.pk,
            "name": "n",
            "actor_id": None,
            "fence": 2,
            "detail": {"a": True},
        },
    ]
    same = {"at": timezone.now()}

    (statement,) = insert_statements(OperationEvent, rows, same=same)
    statement.run()

    sent = [value for value in statement.values if value in ("n", ["n", "n"])]
    assert sent == ["n"]
    one, other = OperationEvent.objects.order_by("fence")
    assert [one.operation_id, other.operation_id] == [first.pk, second.pk]
    assert [one.detail["a"] is True, other.detail["a"] is True] == [False, True]
    assert {one.name, other.name} == {"n"}


def test_inserting_nothing_asks_the_database_nothing(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        insert_each(OperationEvent, [], same={})


def test_rows_that_name_other_fields_are_updated_too() -> None:
    first, second = OperationFactory(), OperationFactory()

    moved = update({"id": first.pk, "fence": 0, "model": "m"}, values(second, tokens=3))

    first.refresh_from_db()
    second.refresh_from_db()
    assert len(moved) == 2
    assert (first.model, first.input_tokens, second.input_tokens) == ("m", 0, 3)


def test_null_guards_only_what_is_null() -> None:
    asked, free = OperationFactory(cancel_requested_at=timezone.now()), OperationFactory()

    moved = update_each(
        Operation,
        [{"id": asked.pk}, {"id": free.pk}],
        match=("id",),
        where={"status": "pending", "cancel_requested_at": None},
        same={"updated_at": timezone.now()},
        returning=("subject_id", "id"),
    )

    assert moved == [(free.subject_id, free.pk)]

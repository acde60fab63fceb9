"""Statements that depend on each other: what follows one that found fewer rows has not happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from operations.database.batch_sql import Statement, insert_statements, update_statements
from operations.database.stages import Found, Stage, write_in_stages
from operations.models import Attempt, Operation, OperationEvent
from operations.tests.factories import AttemptFactory, OperationFactory

pytestmark = pytest.mark.django_db

Pairs = Sequence[tuple[Operation, bool]]
"""An operation, and whether its attempt was open."""


def written() -> Stage[Any]:
    def note(pairs: Pairs) -> list[Statement]:
        rows = [
            {"operation_id": one.pk, "name": "noted" if was_open else "noted closed"}
            for one, was_open in pairs
        ]
        return insert_statements(OperationEvent, rows, same={"at": timezone.now()})

    return Stage(note)


def update(model: type[Any], key: str) -> Callable[[Pairs], list[Statement]]:
    guard = {"fence": 1} if model is Operation else {"outcome": "running"}
    closed = {"outcome": "failed", "finished_at": timezone.now()}
    same = {"model": "moved"} if model is Operation else closed

    def write(pairs: Pairs) -> list[Statement]:
        rows = [{key: one.pk, "fence": one.fence} for one, _ in pairs]
        return update_statements(model, rows, match=(key, "fence"), where=guard, same=same)

    return write


def moved(pairs: Pairs, found: Found) -> list[tuple[Operation, bool]]:
    return [pair for pair in pairs if (pair[0].pk, pair[0].fence) in found]


def closed(pairs: Pairs, found: Found) -> list[tuple[Operation, bool]]:
    return [(one, (one.pk, one.fence) in found) for one, _ in pairs]


STAGES = [
    Stage(update(Operation, "id"), go_on=moved),
    Stage(update(Attempt, "operation_id"), go_on=closed),
    written(),
]


@pytest.fixture
def three() -> list[Operation]:
    return [operation_with_an_open_attempt() for _ in range(3)]


def operation_with_an_open_attempt() -> Operation:
    operation = OperationFactory(running=True)
    AttemptFactory(operation=operation, number=1, fence=1, running=True)
    return operation


def names_of(operations: Sequence[Operation]) -> list[list[str]]:
    return [list(one.events.values_list("name", flat=True)) for one in operations]


def test_all_is_written_where_every_row_is_found(three: list[Operation]) -> None:
    with CaptureQueriesContext(connection) as queries:
        gone_on = write_in_stages([(one, True) for one in three], STAGES)

    assert gone_on == [(one, True) for one in three]
    assert names_of(three) == [["noted"]] * 3
    assert Attempt.objects.filter(outcome="failed").count() == 3
    assert Operation.objects.filter(model="moved").count() == 3
    assert len(queries) == (1 if connection.vendor == "postgresql" else 3)


def test_nothing_follows_a_row_that_was_not_found(three: list[Operation]) -> None:
    Operation.objects.filter(pk=three[1].pk).update(fence=2)

    gone_on = write_in_stages([(one, True) for one in three], STAGES)

    assert gone_on == [(three[0], True), (three[2], True)]
    assert names_of(three) == [["noted"], [], ["noted"]]
    assert Attempt.objects.get(operation=three[1]).outcome == "running"


def test_later_stages_go_on_with_what_an_earlier_one_made_of_its_items(
    three: list[Operation],
) -> None:
    Attempt.objects.filter(operation=three[2]).update(
        outcome="cancelled", finished_at=timezone.now()
    )

    write_in_stages([(one, True) for one in three], STAGES)

    assert names_of(three) == [["noted"], ["noted"], ["noted closed"]]
    assert Operation.objects.filter(model="moved").count() == 3


def test_two_stages_that_find_fewer_in_one_go(three: list[Operation]) -> None:
    Operation.objects.filter(pk=three[0].pk).update(fence=2)
    Attempt.objects.filter(operation=three[1]).update(
        outcome="cancelled", finished_at=timezone.now()
    )

    gone_on = write_in_stages([(one, True) for one in three], STAGES)

    assert gone_on == [(three[1], False), (three[2], True)]
    assert names_of(three) == [[], ["noted closed"], ["noted"]]


def test_where_no_row_is_found_nothing_follows(three: list[Operation]) -> None:
    Operation.objects.update(fence=2)

    assert list(write_in_stages([(one, True) for one in three], STAGES)) == []

    assert not OperationEvent.objects.exists()
    assert not Attempt.objects.exclude(outcome="running").exists()


def test_nothing_is_asked_for_nothing() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert list(write_in_stages([], STAGES)) == []

    assert len(queries) == 0


def test_inserts_alone_need_no_row_to_be_found(three: list[Operation]) -> None:
    write_in_stages([(one, True) for one in three], [written(), written()])

    assert names_of(three) == [["noted"] * 2] * 3

"""A row's state is one, whoever asks: read with the row, looked for, or counted."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.utils import timezone

from operations.console.counts import state_counts
from operations.database.states import STATES, in_state, state_of, with_state
from operations.models import Operation
from operations.tests.factories import (
    OperationFactory,
    ProviderPauseFactory,
    ProviderRateFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

LONG_AGO, LATELY, LATER = (timedelta(minutes=minutes) for minutes in (-6, -1, 6))
PAUSED = "https://api.example.org/v1#0123456789ab"

PENDING: list[dict[str, Any]] = [
    {"queued_at": queued_at, "next_attempt_at": next_at, "own_key": own_key, "is_probe": is_probe}
    for queued_at, next_at, own_key, is_probe in product(
        (LONG_AGO, LATELY), (None, LONG_AGO, LATELY, LATER), (True, False), (True, False)
    )
]
RUNNING: list[dict[str, Any]] = [
    {"running": True, "lease_expires_at": lease_expires_at, "waiting_reason": reason}
    for lease_expires_at, reason in product((LONG_AGO, LATELY, LATER), ("", "backoff"))
]
FINAL: list[dict[str, Any]] = [
    {"failed": True},
    {"failed": True, "acknowledged_at": LATELY},
    {"cancelled": True},
    {"completed": True},
]


@pytest.fixture
def rows() -> list[Operation]:
    now = timezone.now()
    ProviderPauseFactory(credential=PAUSED)
    ProviderPauseFactory(credential="", resumed_at=now)
    ProviderRateFactory(own_key_owner=(slow := UserFactory()))
    return [
        OperationFactory(
            **{k: now + v if isinstance(v, timedelta) else v for k, v in values.items()}
        )
        for values in (*PENDING, *RUNNING, *FINAL, {"owner": slow, "own_key": True})
    ]


def test_each_row_is_in_one_state_and_that_is_the_one_it_is_read_with(
    rows: list[Operation],
) -> None:
    read = {row.pk: state_of(row) for row in with_state(Operation.objects.all())}
    found = {state: set(Operation.objects.filter(in_state(state))) for state in STATES}

    assert set(read.values()) == set(STATES)
    assert {row.pk: [state for state in STATES if row in found[state]] for row in rows} == {
        pk: [state] for pk, state in read.items()
    }
    assert state_counts() == {state: len(found[state]) for state in STATES}


def test_row_that_was_read_without_its_state_is_looked_up(rows: list[Operation]) -> None:
    read = {row.pk: state_of(row) for row in with_state(Operation.objects.all())}

    assert {row.pk: state_of(row) for row in rows} == read


def test_state_of_a_row_that_is_gone_is_empty() -> None:
    row = OperationFactory()
    Operation.objects.all().delete()

    assert state_of(row) == ""

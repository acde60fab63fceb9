"""Fair queueing: nobody waits behind a stranger's backlog, and nobody waits for ever."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from operations.engine import turns
from operations.engine.claims import claim_batch
from operations.engine.turns import next_turn
from operations.models import Operation
from operations.services import retry_operation
from operations.tests.factories import OperationFactory, UserFactory

pytestmark = pytest.mark.django_db

Submit = Callable[..., Operation]


@pytest.fixture(autouse=True)
def no_limit(settings: object) -> None:
    settings.MAX_UNFINISHED_OPERATIONS_PER_USER = 10_000  # type: ignore[attr-defined]


def owners_in_turn(limit: int = 100) -> list[str]:
    with transaction.atomic():
        claims = claim_batch(owner=uuid.uuid4(), limit=limit)
    return [claim.operation.owner.username for claim in claims if claim.operation.owner]


def test_newcomer_passes_the_backlog_of_another(submit: Submit) -> None:
    busy, newcomer = UserFactory(username="busy"), UserFactory(username="newcomer")
    for _ in range(20):
        submit(owner=busy)
    submit(owner=newcomer)

    assert owners_in_turn(limit=2) == ["busy", "newcomer"]


def test_two_backlogs_alternate(submit: Submit) -> None:
    first, second = UserFactory(username="first"), UserFactory(username="second")
    for owner in (first, second):
        for _ in range(5):
            submit(owner=owner)

    assert owners_in_turn() == ["first", "second"] * 5


def test_own_operations_keep_their_order(submit: Submit) -> None:
    owner = UserFactory()
    submitted = [submit(owner=owner).pk for _ in range(5)]

    with transaction.atomic():
        claims = claim_batch(owner=uuid.uuid4(), limit=5)

    assert [claim.id for claim in claims] == submitted


def test_backlog_of_one_kind_does_not_hold_up_another() -> None:
    now = timezone.now()
    OperationFactory(kind="feedback_analysis", queued_at=now, turn_at=now + timedelta(hours=1))

    assert next_turn(owner_id=None, kind="question_generation", at=now) == now
    assert next_turn(owner_id=None, kind="feedback_analysis", at=now) > now + timedelta(hours=1)


def test_who_has_nothing_waiting_is_not_put_back(submit: Submit) -> None:
    owner = UserFactory()
    OperationFactory(running=True, owner=owner, kind="judgement")
    OperationFactory(completed=True, owner=owner, kind="judgement")

    operation = submit(owner=owner)

    assert operation.turn_at == operation.queued_at


def test_retry_of_many_takes_turns_too() -> None:
    owner = UserFactory()
    failed = OperationFactory.create_batch(3, failed=True, owner=owner)

    retried = [retry_operation(operation_id=each.pk, door="admin") for each in failed]

    first, second, third = (each.turn_at for each in retried)
    assert second - first == third - second == turns.SHARE
    assert retried[0].turn_at == retried[0].queued_at


def test_turn_in_the_future_is_claimed_when_nothing_else_waits(submit: Submit) -> None:
    operation = submit()
    Operation.objects.update(turn_at=timezone.now() + timedelta(days=1))

    with transaction.atomic():
        (claim,) = claim_batch(owner=uuid.uuid4(), limit=1)

    assert claim.id == operation.pk

"""Which operations a drain takes, and that two never take the same one."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from operations import kinds
from operations.credentials import installation_credential
from operations.engine.claims import Choice, Claim, RequestsRefused, claim_batch, look
from operations.models import Attempt, Operation
from operations.tests.endings import fail
from operations.tests.factories import OperationFactory, ProviderPauseFactory
from operations.tests.judgement.kind import JudgementKind

pytestmark = pytest.mark.django_db

Submit = Callable[..., Operation]


def claim(limit: int = 10) -> list[Claim]:
    """As a drain does it."""
    take = partial(claim_batch, owner=uuid.uuid4(), limit=limit)
    try:
        with transaction.atomic():
            return take()
    except RequestsRefused:
        with transaction.atomic():
            return take(apart=True)


def test_claim_takes_the_oldest_first_up_to_the_limit(submit: Submit) -> None:
    operations = [submit() for _ in range(3)]
    Operation.objects.filter(pk=operations[2].pk).update(
        turn_at=timezone.now() - timedelta(hours=1)
    )

    claims = claim(limit=2)

    assert [claimed.id for claimed in claims] == [operations[2].pk, operations[0].pk]


def test_claimed_operation_is_leased_with_a_raised_fence_and_its_first_attempt(
    submit: Submit,
) -> None:
    operation = submit()

    claim()

    operation.refresh_from_db()
    assert operation.status == Operation.Status.RUNNING
    assert operation.fence == 1
    assert operation.lease_owner is not None
    assert operation.lease_expires_at > timezone.now()
    attempt = operation.attempt_ledger.get()
    assert (attempt.number, attempt.fence, attempt.outcome) == (1, 1, Attempt.Outcome.RUNNING)


def test_look_sees_what_a_claim_would_take(submit: Submit) -> None:
    assert look(limit=10) is None
    operation = submit()

    seen = look(limit=10)

    assert seen is not None
    with transaction.atomic():
        claims = claim_batch(seen, owner=uuid.uuid4(), limit=10)
    assert [claimed.id for claimed in claims] == [operation.pk]


def test_lease_begins_with_the_claim_not_with_the_look(submit: Submit) -> None:
    """In between a drain may have waited for the write lock as long as a lease lasts."""
    submit()
    seen = look(limit=10)
    if isinstance(seen, Choice):
        seen = replace(seen, at=seen.at - timedelta(hours=1))
    assert seen is not None

    with transaction.atomic():
        (claimed,) = claim_batch(seen, owner=uuid.uuid4(), limit=10)

    lease_ends = claimed.operation.lease_expires_at
    assert lease_ends is not None
    assert lease_ends > timezone.now()


def test_operation_that_is_not_due_is_left(submit: Submit) -> None:
    operation = submit()
    Operation.objects.update(next_attempt_at=timezone.now() + timedelta(seconds=60))

    assert claim() == []

    operation.refresh_from_db()
    assert operation.status == Operation.Status.PENDING


def test_operation_of_a_paused_credential_is_left_unless_it_is_a_probe(submit: Submit) -> None:
    ProviderPauseFactory(credential=installation_credential().label)
    submit()
    probe = submit()
    Operation.objects.filter(pk=probe.pk).update(is_probe=True)

    claims = claim()

    assert [claimed.id for claimed in claims] == [probe.pk]
    assert claims[0].was_paused


def test_pause_of_one_credential_leaves_others_alone(submit: Submit) -> None:
    ProviderPauseFactory(credential="https://other.example.org/v1#ffffffffffff")
    submit()

    assert len(claim()) == 1


@pytest.fixture
def verdict() -> Iterator[JudgementKind]:
    """A kind that wants the judgements of its session first."""
    kind = JudgementKind()
    kind.name = "verdict"
    kind.waits_for = ("judgement",)
    kinds.register(kind)
    yield kind
    kinds.unregister(kind.name)


def test_kind_that_waits_for_others_lets_them_end_first(
    submit: Submit, verdict: JudgementKind
) -> None:
    session_id = uuid.uuid4()
    judged = submit(session_id=session_id)
    waiting = OperationFactory(kind=verdict.name, session_id=session_id)
    elsewhere = OperationFactory(kind=verdict.name)

    assert {claimed.id for claimed in claim()} == {judged.pk, elsewhere.pk}
    assert claim() == []

    judged.refresh_from_db()
    assert fail(judged)
    assert [claimed.id for claimed in claim()] == [waiting.pk]


def test_kind_does_not_wait_for_others_for_ever(submit: Submit, verdict: JudgementKind) -> None:
    session_id = uuid.uuid4()
    submit(session_id=session_id)
    waiting = OperationFactory(
        kind=verdict.name, session_id=session_id, queued_at=timezone.now() - timedelta(seconds=31)
    )

    assert waiting.pk in {claimed.id for claimed in claim()}


def test_rescued_operation_goes_on_with_the_calls_it_has_left(submit: Submit) -> None:
    operation = submit()
    Operation.objects.filter(pk=operation.pk).update(run_attempts=3, attempts=3)

    (claimed,) = claim()

    assert claimed.calls_left == 1
    assert claimed.calls_before == 3


def test_spent_run_that_is_rescued_may_ask_once_more(submit: Submit) -> None:
    operation = submit()
    Operation.objects.filter(pk=operation.pk).update(run_attempts=4, attempts=4)

    assert claim()[0].calls_left == 1


def test_request_that_cannot_be_built_fails_without_an_attempt(
    submit: Submit, judgement: JudgementKind
) -> None:
    broken = submit()
    judgement.broken_in = "request"

    assert claim() == []

    broken.refresh_from_db()
    assert (broken.status, broken.error_code) == ("failed", "INTERNAL_ERROR")
    assert broken.attempts == 0


@pytest.mark.django_db(transaction=True)
def test_two_claimers_share_the_work_without_a_double(judgement: JudgementKind) -> None:
    OperationFactory.create_batch(40, kind=judgement.name)
    start = threading.Barrier(2)
    taken: list[list[uuid.UUID]] = [[], []]

    def claim_all(number: int) -> None:
        start.wait()
        for _ in range(10):
            taken[number] += [claimed.id for claimed in claim(limit=4)]
        connection.close()

    threads = [threading.Thread(target=claim_all, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    everything = taken[0] + taken[1]
    assert len(everything) == len(set(everything)) == 40
    assert set(Operation.objects.values_list("fence", flat=True)) == {1}

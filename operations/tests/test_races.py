"""Two at the same moment, on connections of their own: exactly one wins, the other is told so."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from operations import events, metrics
from operations.engine import leases
from operations.engine.claims import Claim, claim_batch
from operations.engine.completing import Outcome, complete_together
from operations.engine.database_thread import DatabaseThread
from operations.engine.running import Run
from operations.errors import Usage
from operations.kinds import ProviderReply
from operations.models import MetricDelta, MetricTotal, Operation
from operations.refusals import NotCancellable, OperationInProgress, Refusal
from operations.services import (
    cancel_operation,
    cancel_session_operations,
    retry_operation,
    submit_operation,
)
from operations.tests.endings import release
from operations.tests.factories import OperationFactory, UserFactory
from operations.tests.invariants import violations
from operations.tests.judgement.kind import APPLIED, Judgement, JudgementKind

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 10
Submit = Callable[..., Operation]

REPLY = ProviderReply(
    content={"score": 7, "feedback": "Clear."},
    model="test-model",
    usage=Usage(input_tokens=9, output_tokens=12, cost_usd=None, model="test-model"),
    provider_request_id="req_1",
    simulated=False,
)
RESULT = Judgement(score=7, feedback="Clear.")


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Start all together, each in a thread with a connection; a refusal is an outcome."""
    barrier = threading.Barrier(len(actions))
    outcomes: list[Any] = [None] * len(actions)

    def act(number: int, action: Callable[[], Any]) -> None:
        connection.ensure_connection()
        barrier.wait()
        try:
            outcomes[number] = action()
        except Refusal as refusal:
            outcomes[number] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=job) for job in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def rounds() -> Iterator[int]:
    """Who comes first is chance: each race is run several times."""
    for number in range(ROUNDS):
        Operation.objects.all().delete()
        yield number


def claimed(submit: Submit) -> tuple[Operation, Claim]:
    operation = submit()
    with transaction.atomic():
        (claim,) = claim_batch(owner=uuid.uuid4(), limit=1)
    return operation, claim


def commit(claim: Claim) -> bool:
    """What a drain does with an answer that has come."""
    run = Run(claim, DatabaseThread(), reply=REPLY)
    with transaction.atomic():
        (done,) = complete_together([Outcome(claim, REPLY, RESULT, duration_ms=1)])
        if done is None:
            run.write_fenced()
    return done is not None


def results(operation: Operation) -> int:
    return operation.events.filter(name=APPLIED).count()


def test_result_that_is_there_wins_over_a_cancel(submit: Submit) -> None:
    for _ in rounds():
        operation, claim = claimed(submit)

        done, cancelled = at_once(
            partial(commit, claim),
            partial(cancel_operation, operation_id=operation.pk, door="page"),
        )

        operation.refresh_from_db()
        assert done
        assert operation.status == Operation.Status.COMPLETED
        assert isinstance(cancelled, Operation | NotCancellable)
        assert violations() == []


def until_another_waits() -> None:
    """For what this transaction has locked. SQLite keeps no list of those who wait."""
    if connection.vendor == "sqlite":
        time.sleep(0.2)
        return
    end = time.monotonic() + 60
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            cursor.execute(f"{waiting} AND datname = current_database()")
            if cursor.fetchone():
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits for this transaction")


def claim_it(operation: Operation) -> Claim:
    (claim,) = claim_batch(owner=uuid.uuid4(), limit=1)
    assert claim.id == operation.pk
    return claim


def claim_and_release(operation: Operation) -> None:
    assert release(claim_it(operation).operation)


def claim_and_complete(operation: Operation) -> None:
    claim = claim_it(operation)
    complete_together([Outcome(claim, REPLY, RESULT, duration_ms=1)])


def rescue(operation: Operation) -> None:
    assert leases.rescue(operation.pk)


@pytest.mark.parametrize(
    ("meanwhile", "is_kept", "answer", "status"),
    [
        (claim_it, True, "asked to stop", "running"),
        (claim_it, False, "cancelled", "cancelled"),
        (claim_and_release, True, "cancelled", "cancelled"),
        (claim_and_complete, True, "not cancellable", "completed"),
        (rescue, True, "cancelled", "cancelled"),
    ],
    ids=["claimed", "claim rolled back", "claimed and released", "completed", "rescued"],
)
def test_cancel_tells_the_truth_about_an_operation_that_moves_meanwhile(
    submit: Submit,
    meanwhile: Callable[[Operation], object],
    is_kept: bool,
    answer: str,
    status: str,
) -> None:
    """It waits for a transaction that has changed the row and not committed; what it was before is
    no reason to refuse."""
    operation = submit()
    if meanwhile is rescue:
        with transaction.atomic():
            claim_it(operation)
        Operation.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=5))
    is_changed = threading.Event()

    def move() -> None:
        with transaction.atomic():
            meanwhile(operation)
            is_changed.set()
            until_another_waits()
            transaction.set_rollback(not is_kept)

    def cancel() -> Operation:
        is_changed.wait()
        return cancel_operation(operation_id=operation.pk, door="page")

    _, cancelled = at_once(move, cancel)

    assert said_of(cancelled) == answer
    operation.refresh_from_db()
    assert operation.status == status
    assert violations() == []


def said_of(cancelled: Operation | NotCancellable) -> str:
    if isinstance(cancelled, NotCancellable):
        return "not cancellable"
    return "asked to stop" if cancelled.cancel_requested_at else str(cancelled.status)


def test_deleted_session_and_a_result_do_not_both_have_it(submit: Submit) -> None:
    for _ in rounds():
        session = uuid.uuid4()
        operation, claim = claimed(partial(submit, session_id=session))

        done, cancelled = at_once(
            partial(commit, claim),
            partial(cancel_session_operations, session_id=session, actor=None, door="page"),
        )

        operation.refresh_from_db()
        assert done + cancelled == 1
        assert results(operation) == done
        assert operation.status == ("completed" if done else "cancelled")
        assert violations() == []


def test_deleting_a_session_goes_on_after_a_deadlock_with_a_group_of_results(
    submit: Submit,
) -> None:
    session = uuid.uuid4()
    for _ in range(3):
        submit(session_id=session)
    with transaction.atomic():
        claims = claim_batch(owner=uuid.uuid4(), limit=3)
    first, middle, last = [Outcome(claim, REPLY, RESULT, duration_ms=1) for claim in claims]
    middle_is_locked = threading.Event()

    def commit_all() -> bool:
        with transaction.atomic():
            complete_together([middle])
            middle_is_locked.set()
            until_another_waits()  # it has locked the first or the last
            time.sleep(0.5)  # PostgreSQL refuses the one that has waited for longer
            complete_together([first, last])
        return True

    def delete() -> int:
        middle_is_locked.wait()
        with transaction.atomic():
            return cancel_session_operations(session_id=session, actor=None, door="page")

    assert at_once(commit_all, delete) == [True, 0]
    assert violations() == []


def test_two_admins_who_retry_start_one_run(judgement: JudgementKind) -> None:
    for _ in rounds():
        admins = [UserFactory(), UserFactory()]
        operation = OperationFactory(cancelled=True, kind=judgement.name)

        outcomes = at_once(
            *(
                partial(retry_operation, operation_id=operation.pk, actor=admin, door="admin")
                for admin in admins
            )
        )

        operation.refresh_from_db()
        assert sorted(type(outcome).__name__ for outcome in outcomes) == [
            "NotRetryable",
            "Operation",
        ]
        assert operation.run == 2
        assert operation.events.filter(name=events.RETRIED).count() == 1


def test_retry_and_a_new_submission_do_not_both_run(judgement: JudgementKind) -> None:
    for _ in rounds():
        failed = OperationFactory(failed=True, kind=judgement.name)

        outcomes = at_once(
            partial(retry_operation, operation_id=failed.pk, door="page"),
            partial(
                submit_operation,
                kind=judgement.name,
                subject_type=failed.subject_type,
                subject_id=failed.subject_id,
                door="page",
            ),
        )

        unfinished = Operation.objects.filter(status__in=Operation.UNFINISHED)
        assert unfinished.count() == 1
        assert [type(o) for o in outcomes if isinstance(o, Refusal)] == [OperationInProgress]


def test_sweep_and_a_late_commit_do_not_both_have_it(submit: Submit) -> None:
    for _ in rounds():
        operation, claim = claimed(submit)
        Operation.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=5))

        done, report = at_once(partial(commit, claim), leases.sweep)

        operation.refresh_from_db()
        assert done + report.rescued == 1
        assert results(operation) == done
        assert operation.status == ("completed" if done else "pending")
        assert violations() == []


def test_sweep_leaves_a_lease_that_a_heartbeat_extends_or_the_heartbeat_hears_of_it(
    submit: Submit,
) -> None:
    for _ in rounds():
        operation, claim = claimed(submit)
        owner = claim.operation.lease_owner or uuid.uuid4()
        Operation.objects.update(lease_expires_at=timezone.now() + timedelta(milliseconds=2))

        holding, report = at_once(partial(leases.beat, owner=owner, held=[claim.id]), leases.sweep)

        operation.refresh_from_db()
        if operation.status == "running" and operation.lease_expires_at > timezone.now():
            assert report.rescued == 0
            assert holding.fences == {claim.id: claim.fence}
        assert violations() == []


def test_two_sweeps_count_a_loss_once(submit: Submit) -> None:
    for _ in rounds():
        operation, _claim = claimed(submit)
        Operation.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=5))

        reports = at_once(leases.sweep, leases.sweep)

        operation.refresh_from_db()
        assert sum(report.rescued for report in reports) == 1
        assert operation.losses == 1
        assert violations() == []


def test_twenty_submissions_for_one_subject_make_one_row(judgement: JudgementKind) -> None:
    def submit() -> Operation:
        return submit_operation(
            kind=judgement.name, subject_type="test", subject_id="one", door="api"
        )

    outcomes = at_once(*[submit] * 20)

    winner = Operation.objects.get()
    refusals = [outcome for outcome in outcomes if isinstance(outcome, OperationInProgress)]
    assert len(refusals) == 19
    assert {refusal.existing_id for refusal in refusals} == {winner.pk}


@pytest.mark.parametrize("known", [False, True], ids=["new totals", "known totals"])
def test_folding_at_once_adds_every_row_once(known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes rows of its own (on SQLite all of the first), and all add to the same totals:
    they must not wait for one another in a ring."""
    monkeypatch.setattr(metrics, "FOLD_BATCH", 30)
    chance = random.Random(7)
    counters = [f"counter_{number}" for number in range(20)]
    for _ in range(4 * ROUNDS):
        MetricTotal.objects.all().delete()
        if known:
            MetricTotal.objects.bulk_create(MetricTotal(name=n, labels="{}") for n in counters)
        names = chance.choices(counters, k=120)
        MetricDelta.objects.bulk_create(MetricDelta(name=n, labels="{}", count=1) for n in names)

        at_once(*[metrics.fold] * 4)

        while metrics.fold():
            pass
        assert not MetricDelta.objects.exists()
        assert Counter(dict(MetricTotal.objects.values_list("name", "count"))) == Counter(names)


def test_parallel_starts_stop_at_exactly_the_limit(settings: Any, submit: Submit) -> None:
    """144 of them, as fast as sixteen threads can; on one connection each."""
    settings.MAX_UNFINISHED_OPERATIONS_PER_USER = 50
    person = UserFactory()

    def start_nine() -> int:
        return sum(refused_or_not(partial(submit, owner=person)) for _ in range(9))

    started = at_once(*[start_nine] * 16)

    assert sum(started) == 50
    assert Operation.objects.filter(owner=person).count() == 50


def test_parallel_retries_stop_at_exactly_the_limit(settings: Any) -> None:
    settings.MAX_UNFINISHED_OPERATIONS_PER_USER = 5
    person = UserFactory()
    failed = OperationFactory.create_batch(12, failed=True, owner=person)

    at_once(
        *[
            partial(retry_operation, operation_id=operation.pk, actor=person, door="api")
            for operation in failed
        ]
    )

    assert Operation.objects.filter(owner=person, status=Operation.Status.PENDING).count() == 5


def refused_or_not(action: Callable[[], Any]) -> bool:
    try:
        action()
    except Refusal:
        return False
    return True

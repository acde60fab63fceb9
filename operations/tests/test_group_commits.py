"""What one job of a group commit can do to its neighbours, and what a second run of a job does."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from operations import kinds
from operations.engine import leases, ledger
from operations.engine.database_thread import GROUP_SIZE, DatabaseGone, DatabaseThread, Guarded
from operations.engine.drain import Drain
from operations.engine.failing import Failure, fail_together
from operations.errors import Usage, error_from_code
from operations.kinds import ProviderReply
from operations.models import Attempt, MetricDelta, Operation, OperationEvent
from operations.tests.endings import complete, defer, release
from operations.tests.factories import AttemptFactory, OperationFactory, WorkerHeartbeatFactory
from operations.tests.fault_server import FaultServer
from operations.tests.judgement.kind import Judgement, JudgementKind
from operations.tests.worker import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

USAGE = Usage(input_tokens=9, output_tokens=12, cost_usd=None, model="test-model")


def commit_together(*jobs: Callable[[], Any]) -> list[Any]:
    """Run the jobs in one group; an exception stands in the place of its job's result."""

    async def together() -> list[Any]:
        database = DatabaseThread()
        waiting = [asyncio.create_task(database.run(job)) for job in jobs]
        await asyncio.sleep(0)  # all are in the queue before the thread looks at it
        database.start()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        database.stop(5)
        return outcomes

    return asyncio.run(together())


def rename(operation: Operation, kind: str = "renamed") -> int:
    return Operation.objects.filter(pk=operation.pk).update(kind=kind)


def use_a_table_that_is_not_there() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM no_such_table")


def point_to_a_deleted_row() -> None:
    OperationEvent.objects.create(operation_id=uuid.uuid4(), name="lost", at=timezone.now())


def break_a_constraint() -> None:
    OperationFactory(status=Operation.Status.RUNNING)


def fail_after_the_commit() -> None:
    OperationFactory(kind="committed")
    transaction.on_commit(lambda: 1 // 0)


def test_what_fails_after_the_commit_does_not_run_its_group_again() -> None:
    operation = OperationFactory()

    outcomes = commit_together(lambda: rename(operation), fail_after_the_commit)

    assert outcomes == [1, None]
    assert Operation.objects.filter(kind="committed").count() == 1


@pytest.mark.parametrize(
    "bad", [use_a_table_that_is_not_there, point_to_a_deleted_row, break_a_constraint]
)
def test_one_bad_job_does_not_sink_its_group(bad: Callable[[], None]) -> None:
    first, last = OperationFactory(), OperationFactory()

    outcomes = commit_together(lambda: rename(first), bad, lambda: rename(last))

    assert (outcomes[0], outcomes[2]) == (1, 1)
    assert isinstance(outcomes[1], Exception)
    assert Operation.objects.filter(kind="renamed").count() == 2


def test_statement_that_is_refused_for_good_is_not_tried_again() -> None:
    (outcome,) = commit_together(use_a_table_that_is_not_there)

    # SQLite calls it operational, PostgreSQL a programming error; either way its caller hears it.
    assert not isinstance(outcome, DatabaseGone)
    assert "no_such_table" in str(outcome)


def test_error_at_the_commit_reaches_the_job_that_caused_it() -> None:
    outcomes = commit_together(point_to_a_deleted_row)

    assert isinstance(outcomes[0], IntegrityError)


def test_trouble_that_passes_is_waited_out() -> None:
    operation = OperationFactory()
    tries: list[int] = []

    def troubled() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("the connection was cut")
        return rename(operation)

    assert commit_together(troubled) == [1]
    assert len(tries) == 3


def commit_if(look: Callable[[], Any], act: Callable[[Any], Any], *others: Any) -> list[Any]:
    """The guarded job and the others in one group."""

    async def together() -> list[Any]:
        database = DatabaseThread()
        waiting = [asyncio.create_task(database.run_if(look, act))]
        waiting += [asyncio.create_task(database.run(job)) for job in others]
        await asyncio.sleep(0)
        database.start()
        outcomes = await asyncio.gather(*waiting)
        database.stop(5)
        return outcomes

    return asyncio.run(together())


def in_transaction() -> bool:
    return connection.in_atomic_block


def test_look_that_sees_nothing_begins_no_transaction() -> None:
    looks: list[bool] = []

    def look() -> None:
        looks.append(in_transaction())

    assert commit_if(look, lambda _: "acted") == [None]
    assert looks == [False]


def test_look_hands_on_what_it_saw() -> None:
    assert commit_if(lambda: 3, lambda seen: (seen, in_transaction())) == [(3, True)]


def test_look_beside_other_jobs_shares_their_transaction() -> None:
    operation = OperationFactory()

    outcomes = commit_if(in_transaction, lambda seen: seen, lambda: rename(operation))

    assert outcomes == [True, 1]


def test_each_try_looks_again() -> None:
    looks = iter(range(1, 9))

    def act(seen: int) -> int:
        if seen < 3:
            raise OperationalError("the connection was cut")
        return seen

    assert commit_if(lambda: next(looks), act) == [3]


def test_what_was_seen_is_acted_upon_once() -> None:
    looks = iter(range(1, 9))
    job = Guarded(lambda: next(looks), lambda seen: seen)

    assert job.sees_something()
    assert (job(), job()) == (1, 2)


def test_jobs_that_come_while_the_transaction_begins_join_it() -> None:
    """On SQLite a transaction waits for the write lock. What it waits with need not wait twice."""
    story: list[str] = []
    database = DatabaseThread()

    def job(name: str) -> Callable[[], None]:
        def noted() -> None:
            story.append(name)
            transaction.on_commit(lambda: story.append("committed"))

        return noted

    class SlowBeginning:
        def __enter__(self) -> None:
            begun.set()
            assert everybody_waits.wait(5)

        def __exit__(self, *_: object) -> None: ...

    begun, everybody_waits = threading.Event(), threading.Event()

    async def both() -> None:
        first = asyncio.create_task(database.run(job("first")))
        database.start()
        await asyncio.to_thread(begun.wait, 5)
        second = asyncio.create_task(database.run(job("second")))
        await asyncio.sleep(0)
        everybody_waits.set()
        await asyncio.gather(first, second)
        database.stop(5)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("operations.log_lines.together", SlowBeginning)
        asyncio.run(both())

    assert story == ["first", "second", "committed", "committed"]


class UnwritableKind(JudgementKind):
    """Its result cannot be stored: the database refuses the statement, every time."""

    def apply(
        self, operation: Operation, result: Judgement, reply: ProviderReply
    ) -> Iterator[OperationEvent]:
        if operation.subject_id == "unwritable":
            use_a_table_that_is_not_there()
        return super().apply(operation, result, reply)


def test_result_that_cannot_be_stored_fails_its_operation_alone(
    submit: Callable[..., Operation],
    judgement: JudgementKind,
    provider: FaultServer,
    drain: Callable[[], None],
) -> None:
    kinds.unregister(judgement.name)
    kinds.register(UnwritableKind())
    bad, good = submit(subject_id="unwritable"), submit(subject_id="writable")

    drain()

    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.status, bad.error_code) == ("failed", "INTERNAL_ERROR")
    assert good.status == Operation.Status.COMPLETED


def running(**values: Any) -> Operation:
    operation = OperationFactory(running=True, **values)
    AttemptFactory(operation=operation, number=1, fence=operation.fence, running=True)
    return operation


def test_call_that_was_written_already_is_not_written_twice() -> None:
    operation = OperationFactory(running=True)
    before = Operation.objects.get(pk=operation.pk)
    now = timezone.now()
    AttemptFactory(operation=operation, number=1, fence=1)
    (first,) = ledger.start_next_attempts([(operation, "m")], at=now)

    (again,) = ledger.start_next_attempts([(before, "m")], at=now)

    assert [one.attempts for one in (first, again) if one] == [2, 2]
    operation.refresh_from_db()
    assert operation.attempts == operation.attempt_ledger.count() == 2


def test_completion_whose_confirmation_was_lost_stays_a_success() -> None:
    operation = running()
    before = Operation.objects.get(pk=operation.pk)
    now = timezone.now()
    complete(operation, usage=USAGE)

    again = complete(before, usage=USAGE)
    ledger.mark_fenced(before, fence=1, at=now, usage=USAGE)

    operation.refresh_from_db()
    assert not again
    assert operation.attempt_ledger.get().outcome == Attempt.Outcome.SUCCEEDED
    assert operation.output_tokens == USAGE.output_tokens, "billed once"


def test_lease_that_is_lost_between_two_calls_leaves_the_failed_call_as_it_was() -> None:
    operation = OperationFactory(running=True)
    AttemptFactory(operation=operation, number=1, fence=1, error_code="SERVER_ERROR")

    ledger.mark_fenced(operation, fence=1, at=timezone.now(), usage=None)

    assert operation.attempt_ledger.get().outcome == Attempt.Outcome.FAILED
    assert not MetricDelta.objects.exists()


def test_operation_its_drain_does_not_know_of_is_not_kept_alive() -> None:
    heartbeat = WorkerHeartbeatFactory()
    soon = timezone.now() + timedelta(milliseconds=500)
    known = running(lease_owner=heartbeat.pk, lease_expires_at=soon)
    unknown = running(lease_owner=heartbeat.pk, lease_expires_at=soon)

    leases.beat(owner=heartbeat.pk, held=[known.pk])

    known.refresh_from_db()
    unknown.refresh_from_db()
    assert known.lease_expires_at > soon
    assert unknown.lease_expires_at == soon


@pytest.mark.parametrize(
    "give_back", [release, partial(defer, until=timezone.now())], ids=["release", "defer"]
)
def test_operation_that_somebody_wants_stopped_is_not_given_back(
    give_back: Callable[[Operation], bool],
) -> None:
    operation = running(cancel_requested_at=timezone.now())

    assert not give_back(operation)

    operation.refresh_from_db()
    assert operation.status == Operation.Status.RUNNING


def test_drain_that_claims_again_what_it_lost_drops_its_first_run(
    submit: Callable[..., Operation], provider: FaultServer
) -> None:
    provider.latency = 3.0
    operation = submit()
    worker = threading.Thread(target=lambda: asyncio.run(Drain(until_idle=True).run()))
    worker.start()
    wait_until(lambda: len(provider.requests()) == 1)
    provider.latency = 1.5

    Operation.objects.filter(pk=operation.pk).update(
        lease_expires_at=timezone.now() - timedelta(seconds=1)
    )
    leases.sweep()
    worker.join(20)

    operation.refresh_from_db()
    assert operation.status == Operation.Status.COMPLETED
    ledger = operation.attempt_ledger.order_by("number").values_list("fence", "outcome")
    assert list(ledger) == [(1, "lost"), (3, "succeeded")]
    assert len(provider.requests()) == 2


def test_urgent_job_is_run_before_what_waits_already() -> None:
    ran: list[str] = []

    async def run_both() -> None:
        database = DatabaseThread()
        result = asyncio.create_task(database.run(lambda: ran.append("result")))
        await asyncio.sleep(0)
        heartbeat = asyncio.create_task(database.run(lambda: ran.append("heartbeat"), urgent=True))
        await asyncio.sleep(0)
        database.start()
        await asyncio.gather(result, heartbeat)
        database.stop(5)

    asyncio.run(run_both())

    assert ran == ["heartbeat", "result"]


def test_slow_jobs_are_committed_in_smaller_groups(settings: Settings) -> None:
    """A heartbeat waits for the group before it, and must not wait for longer than its lease."""
    settings.OPERATIONS_LEASE_SECONDS = 0.3
    story: list[str] = []

    def slow_job() -> None:
        time.sleep(0.005)
        story.append("job")
        transaction.on_commit(lambda: story.append("committed"))

    commit_together(*[slow_job] * 80)

    groups = [len(list(same)) for word, same in groupby(story) if word == "job"]
    assert groups[0] == GROUP_SIZE
    assert max(groups[1:]) <= 4


def test_lost_run_and_its_successor_do_not_both_end_in_one_group() -> None:
    """A drain may claim again what it lost, and both answers come at the same moment."""
    operation = running(fence=3)
    stale = Operation.objects.get(pk=operation.pk)
    stale.fence = 1

    error = error_from_code("SERVER_ERROR")
    failed = fail_together([Failure(stale, error), Failure(operation, error)])

    assert [ended.fence if ended else None for ended in failed] == [None, 3]
    assert operation.events.count() == 1

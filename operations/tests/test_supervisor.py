"""What is left after kill -9: nothing lost, nothing doubled, nothing running on."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from operations.models import Attempt, Operation, OperationEvent, WorkerHeartbeat, WorkerRestart
from operations.tests.fault_server import FaultServer
from operations.tests.judgement.apps import IDLE_LOOK_VARIABLE
from operations.tests.judgement.kind import APPLIED
from operations.tests.worker import WorkerProcess, kill, wait_until
from operations.workers.processes import is_alive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Submit = Callable[..., Operation]


def all_completed() -> bool:
    return not Operation.objects.exclude(status=Operation.Status.COMPLETED).exists()


def assert_each_has_one_result(operations: list[Operation]) -> None:
    for operation in operations:
        assert OperationEvent.objects.filter(operation=operation, name=APPLIED).count() == 1
        assert operation.attempt_ledger.filter(outcome=Attempt.Outcome.SUCCEEDED).count() == 1
        assert not operation.attempt_ledger.filter(outcome=Attempt.Outcome.RUNNING).exists()


def in_flight(provider: FaultServer, submit: Submit, count: int) -> list[Operation]:
    """Operations whose calls the provider has and does not answer for a while."""
    provider.latency = 5.0
    operations = [submit() for _ in range(count)]
    wait_until(lambda: len(provider.requests()) == count, 15)
    provider.latency = 0.0
    return operations


def test_five_calls_in_flight_survive_kill_9_of_every_process(
    worker: WorkerProcess, provider: FaultServer, submit: Submit
) -> None:
    worker.start()
    operations = in_flight(provider, submit, 5)

    worker.kill_everything()
    assert Operation.objects.filter(status=Operation.Status.RUNNING).count() == 5
    worker.start()

    wait_until(all_completed)
    assert_each_has_one_result(operations)
    assert (
        Attempt.objects.filter(outcome=Attempt.Outcome.LOST, possibly_paid_twice=True).count() == 5
    )


def test_killed_cluster_is_restarted_by_its_supervisor(
    worker: WorkerProcess, provider: FaultServer, submit: Submit
) -> None:
    worker.start()
    operations = in_flight(provider, submit, 5)

    worker.kill_cluster()

    wait_until(all_completed, 30)
    assert_each_has_one_result(operations)
    restart = WorkerRestart.objects.get()
    assert (restart.reason, restart.exit_code) == ("exited", -9)


def test_killed_drain_is_replaced(
    worker: WorkerProcess, provider: FaultServer, submit: Submit
) -> None:
    worker.start()
    operations = in_flight(provider, submit, 3)

    drain = worker.drains()[0]
    kill(drain)

    wait_until(all_completed, 30)
    assert_each_has_one_result(operations)
    wait_until(WorkerRestart.objects.exists, 10)
    death = WorkerRestart.objects.get()
    assert (death.reason, death.exit_code, death.pid, death.held) == ("died", -9, drain, 3)


def test_sigterm_ends_everything_and_releases_what_is_under_way(
    worker: WorkerProcess, provider: FaultServer, submit: Submit
) -> None:
    worker.start()
    provider.latency = 30.0
    operation = submit()
    wait_until(lambda: len(provider.requests()) == 1, 15)
    processes = worker.processes()

    assert worker.stop() == 0

    assert not [pid for pid in processes if is_alive(pid)]
    operation.refresh_from_db()
    assert operation.status == Operation.Status.PENDING
    assert operation.attempt_ledger.get().outcome == Attempt.Outcome.RELEASED
    assert not WorkerHeartbeat.objects.exists()


def test_cluster_ends_by_itself_when_its_supervisor_is_killed(
    worker: WorkerProcess, provider: FaultServer, submit: Submit
) -> None:
    worker.start()
    assert worker.supervisor is not None

    kill(worker.supervisor.pid)
    worker.supervisor.wait()

    wait_until(lambda: not worker.drains())
    wait_until(lambda: not worker.processes())


def test_commit_wakes_a_resident_drain(
    worker: WorkerProcess, provider: FaultServer, submit: Submit
) -> None:
    worker.environment[IDLE_LOOK_VARIABLE] = "600"
    worker.start()

    for _ in range(2):  # the first may be found as the drain begins
        submit()
        wait_until(all_completed, 30)
        time.sleep(1)  # until it is idle again

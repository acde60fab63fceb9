"""django-q2's known ways to die, pinned: whatever is killed, work goes on within seconds.

They also tell us when a newer django-q2 no longer has them. Measured with 1.11: a killed idle
worker can hold the task queue's lock for ever, a killed monitor leaves its successor blocked, the
death of the sentinel ends the main process with exit code 0.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django_q.brokers import Broker, get_broker
from django_q.models import OrmQ

from operations.models import Operation, WorkerHeartbeat
from operations.tests.fault_server import FaultServer
from operations.tests.worker import WorkerProcess, kill, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Submit = Callable[..., Operation]

RECOVERY_SECONDS = 45
"""Generous for a busy machine. Alone: STUCK_SECONDS for a slot, a grace, and a start."""


def parent_of(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


class Roles:
    """The cluster's processes by what they do: main forks the sentinel, the sentinel the rest, in
    this order: workers, monitor, pusher."""

    def __init__(self, worker: WorkerProcess) -> None:
        assert worker.supervisor is not None
        pids = worker.processes()
        parents = {pid: parent_of(pid) for pid in pids}
        self.main = next(p for p in pids if parents[p] == worker.supervisor.pid)
        self.sentinel = next(p for p in pids if parents[p] == self.main)
        children = sorted(p for p in pids if parents[p] == self.sentinel)
        *workers, self.monitor, self.pusher = children
        self.drains = worker.drains()
        self.spare = next(p for p in workers if p not in self.drains)


@pytest.fixture
def running(worker: WorkerProcess) -> WorkerProcess:
    worker.start()
    return worker


def assert_work_goes_on(submit: Submit) -> None:
    operation = submit()

    def completed() -> bool:
        operation.refresh_from_db()
        return operation.status == Operation.Status.COMPLETED

    wait_until(completed, RECOVERY_SECONDS)


@pytest.mark.parametrize("role", ["main", "sentinel", "spare", "monitor", "pusher"])
def test_work_goes_on_after_a_kill(
    role: str, running: WorkerProcess, provider: FaultServer, submit: Submit
) -> None:
    kill(getattr(Roles(running), role))

    assert_work_goes_on(submit)


def test_work_goes_on_after_every_worker_was_killed_idle(
    running: WorkerProcess, provider: FaultServer, submit: Submit
) -> None:
    roles = Roles(running)
    for pid in (roles.spare, *roles.drains):
        kill(pid)

    assert_work_goes_on(submit)


def test_work_goes_on_when_the_drain_dies_after_the_monitor(
    running: WorkerProcess, provider: FaultServer, submit: Submit
) -> None:
    roles = Roles(running)
    kill(roles.monitor)
    time.sleep(1.5)
    kill(roles.drains[0])

    assert_work_goes_on(submit)


def is_kept(message: str, queue: Broker) -> bool:
    """Redis forgets what somebody has taken; in the database it waits for who deletes it."""
    if settings.REDIS_URL:
        return bool(queue.queue_size())
    return OrmQ.objects.filter(payload=message).exists()


def test_messages_that_cannot_be_read_cost_no_operation(
    running: WorkerProcess, provider: FaultServer, submit: Submit
) -> None:
    """Pages with another SECRET_KEY: django-q2 deletes what it cannot verify. The rows are the
    truth."""
    operation = submit()
    queue = get_broker(WorkerHeartbeat.objects.get().supervisor)
    queue.enqueue("signed:with:another-key")

    wait_until(lambda: not is_kept("signed:with:another-key", queue), 20)
    operation.refresh_from_db()
    wait_until(
        lambda: Operation.objects.filter(pk=operation.pk, status="completed").exists(),
        RECOVERY_SECONDS,
    )

"""A cluster that brings no drain up is restarted, also while the database fails now and then."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import OperationalError, connection

from operations.signals import worker_restarted
from operations.workers.cluster import Cluster
from operations.workers.supervisor import STUCK_SECONDS, TICK_SECONDS, Supervisor

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

TROUBLE_EVERY_SECONDS = 4.0
LONGEST_SECONDS = 2 * STUCK_SECONDS


def seconds_until_restarted(supervisor: Supervisor) -> float | None:
    reasons: list[str] = []

    def stop(reason: str, **_: object) -> None:
        reasons.append(reason)
        supervisor._stopping = True  # a cluster of its own is none of this test's business

    worker_restarted.connect(stop)
    began = time.monotonic()
    try:
        while not reasons and time.monotonic() - began < LONGEST_SECONDS:
            supervisor._tick()
            time.sleep(TICK_SECONDS)
    finally:
        worker_restarted.disconnect(stop)
    return time.monotonic() - began if reasons == ["stuck"] else None


def test_trouble_that_comes_again_and_again_does_not_hide_it() -> None:
    supervisor = Supervisor()
    sleeper = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    )
    supervisor._cluster = Cluster(sleeper, None)
    supervisor._full_since = began = time.monotonic()
    troubles = itertools.count(1)
    due = next(troubles)

    def fail(execute: Any, *arguments: Any) -> Any:
        nonlocal due
        if time.monotonic() - began > due * TROUBLE_EVERY_SECONDS:
            due = next(troubles)
            raise OperationalError("the connection is gone")
        return execute(*arguments)

    with connection.execute_wrapper(fail):
        seconds = seconds_until_restarted(supervisor)

    assert due > 2
    assert seconds is not None
    assert seconds > STUCK_SECONDS


def test_each_cluster_that_brought_no_drain_up_gives_the_next_one_more_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    supervisor = Supervisor()
    process = SimpleNamespace(pid=1)
    cluster = Mock(is_running=False, exit_code=None, age_seconds=60.0, process=process)
    monkeypatch.setattr(Cluster, "start", lambda _: cluster)

    def patience() -> int:
        return round(supervisor._full_since - time.monotonic() + STUCK_SECONDS)

    supervisor._start()
    given = [patience()]
    for _ in range(4):
        supervisor._restart("stuck")
        given.append(patience())
    assert given == [20, 40, 80, 160, 160]

    monkeypatch.setattr(supervisor, "_living_drains", lambda: supervisor.slots)
    supervisor._fill_slots()
    supervisor._restart("stuck")
    assert patience() == 20

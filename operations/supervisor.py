"""The supervisor behind `manage.py operations_worker`: keeps drains resident, whatever dies.

It runs django-q2's cluster in a process group of its own, rings for a drain wherever a slot has no
living one, sweeps leases, and restarts the whole group when its main process exits (with whatever
code: django-q2 exits 0 when its sentinel is killed) or when a slot stays empty although it was rung
for (a killed idle worker can hold the queue's lock for ever, and the cluster still looks alive).
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from operations import alerts, bulk, dispatch, events, lifeline, metrics, retention
from operations.clock import database_now
from operations.engine import leases
from operations.models import WorkerHeartbeat, WorkerRestart
from operations.processes import is_alive, processes_with_environment
from operations.signals import worker_restarted

TICK_SECONDS = 0.25
SLOW_TICK_SECONDS = 1.0
SWEEP_SECONDS = 2.0
RING_SECONDS = 2.0
TIDYING_SECONDS = 600.0
STUCK_SECONDS = 10.0
"""A slot that stays empty this long, although rung for, means a wedged cluster."""

START_SECONDS = 20.0
"""What a cluster gets to bring its first drain up before it counts as wedged."""

CLUSTER_STOP_SECONDS = 5.0
LONGEST_RESTART_PAUSE_SECONDS = 10.0

SUPERVISOR_VARIABLE = "OPERATIONS_SUPERVISOR"


class Supervisor:
    """One per `operations_worker`; any number may run, on any number of machines."""

    def __init__(self) -> None:
        self.id = uuid.uuid4().hex
        self.slots = int(settings.OPERATIONS_WORKERS)
        self.restarts = 0
        self._short_lives = 0
        self._cluster: Cluster | None = None
        self._stopping = False
        self._next_sweep = 0.0
        self._next_ring = 0.0
        self._next_tidying = 0.0
        self._full_since = 0.0
        self._alerting: threading.Thread | None = None

    def run(self) -> None:
        """Supervise until SIGTERM, SIGINT or the end of an outer lifeline; then stop in order."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        end_left_over_groups()
        self._start()
        try:
            while not self._stopping and not lifeline.has_ended():
                self._tick()
                time.sleep(TICK_SECONDS)
        finally:
            self._stop_in_order()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _start(self) -> None:
        self._wait_for_database()
        self._cluster = Cluster.start(self.id)
        self._full_since = time.monotonic() + START_SECONDS - STUCK_SECONDS
        self._next_ring = 0.0

    def _wait_for_database(self) -> None:
        """A cluster that finds no database exits at once, and every such exit would make the pause
        before the next start longer, beyond the return of the database."""
        while not self._stopping and not lifeline.has_ended():
            try:
                database_now()
            except (OperationalError, InterfaceError):
                connection.close()
                time.sleep(TICK_SECONDS)
            else:
                return

    def _tick(self) -> None:
        assert self._cluster is not None
        if not self._cluster.is_running:
            self._restart("exited")
            return
        started = time.monotonic()
        try:
            self._bury_the_dead()
            self._sweep_when_due()
            self._fill_slots()
            bulk.run_due()
        except (OperationalError, InterfaceError) as error:
            events.log(
                events.DATABASE_TROUBLE, level=logging.WARNING, error_type=type(error).__name__
            )
            connection.close()
            self._full_since = max(self._full_since, time.monotonic())
            time.sleep(1.0)
        else:
            self._forgive(time.monotonic() - started)

    def _forgive(self, tick_seconds: float) -> None:
        """While the database keeps us waiting (a lock, a slow disk), drains cannot sign on either:
        that is no sign of a wedged cluster."""
        if tick_seconds > SLOW_TICK_SECONDS:
            self._full_since += tick_seconds

    def _bury_the_dead(self) -> None:
        """A drain of ours whose process is gone need not be waited for until its lease ends."""
        for heartbeat in WorkerHeartbeat.objects.filter(
            supervisor=self.id, hostname=socket.gethostname()[:100]
        ):
            if not is_alive(heartbeat.pid):
                leases.end_leases_of(owner=heartbeat.pk)
                self._next_sweep = 0.0

    def _sweep_when_due(self) -> None:
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + SWEEP_SECONDS
        if leases.sweep().made_work:
            dispatch.wake()
        metrics.fold()
        self._tidy_when_due()
        self._send_alerts()

    def _tidy_when_due(self) -> None:
        if time.monotonic() >= self._next_tidying:
            self._next_tidying = time.monotonic() + TIDYING_SECONDS
            retention.prune_idempotency_keys()

    def _send_alerts(self) -> None:
        """In a thread: a slow mail server must not hold up the sweep."""
        if self._alerting is None or not self._alerting.is_alive():
            self._alerting = threading.Thread(target=_send_alerts, daemon=True)
            self._alerting.start()

    def _fill_slots(self) -> None:
        now = time.monotonic()
        empty = self.slots - self._living_drains()
        if empty <= 0:
            self._full_since = now
            return
        if now - self._full_since > STUCK_SECONDS:
            self._restart("stuck")
        elif now >= self._next_ring:
            self._next_ring = now + RING_SECONDS
            for _ in range(empty):
                dispatch.ring(supervisor=self.id, slots=self.slots)

    def _living_drains(self) -> int:
        return WorkerHeartbeat.objects.filter(
            supervisor=self.id, accepts_work=True, expires_at__gt=database_now()
        ).count()

    def _restart(self, reason: str) -> None:
        assert self._cluster is not None
        self.restarts += 1
        events.log(
            events.WORKER_RESTARTED,
            level=logging.WARNING,
            reason=reason,
            restarts=self.restarts,
            exit_code=self._cluster.exit_code,
        )
        worker_restarted.send_robust(Supervisor, reason=reason, restarts=self.restarts)
        self._keep_restart(reason, self._cluster.exit_code)
        self._count_short_lives(self._cluster.age_seconds)
        if reason == "stuck":
            self._cluster.close_lifeline()
            self._wait_for_drains()
        self._cluster.kill()
        if self._short_lives:
            self._pause(min(LONGEST_RESTART_PAUSE_SECONDS, 0.5 * 2 ** min(self._short_lives, 5)))
        if not self._stopping:
            self._start()

    def _keep_restart(self, reason: str, exit_code: int | None) -> None:
        """For the console. A database in trouble must not keep us from starting again."""
        try:
            WorkerRestart.objects.create(supervisor=self.id, reason=reason, exit_code=exit_code)
        except (OperationalError, InterfaceError):
            connection.close()

    def _count_short_lives(self, age_seconds: float) -> None:
        """In a row: what went wrong last week must not slow today's restart down."""
        short_lived = age_seconds < LONGEST_RESTART_PAUSE_SECONDS
        self._short_lives = self._short_lives + 1 if short_lived else 0

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._stopping:
            time.sleep(TICK_SECONDS)

    def _stop_in_order(self) -> None:
        """Drains stop claiming, finish or release within the grace; then the cluster ends."""
        if self._cluster is None:
            return
        self._cluster.close_lifeline()
        self._wait_for_drains()
        self._cluster.terminate(CLUSTER_STOP_SECONDS)

    def _wait_for_drains(self) -> None:
        assert self._cluster is not None
        end = time.monotonic() + settings.OPERATIONS_SHUTDOWN_GRACE_SECONDS
        while time.monotonic() < end and self._cluster.is_running:
            try:
                mine = list(WorkerHeartbeat.objects.filter(supervisor=self.id))
            except (OperationalError, InterfaceError):
                connection.close()
                return
            if not any(is_alive(heartbeat.pid) for heartbeat in mine):
                return
            time.sleep(0.1)


@dataclass
class Cluster:
    """django-q2's cluster as a child process that leads its own session and process group."""

    process: subprocess.Popen[bytes]
    pipe: int | None
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def start(cls, supervisor: str) -> Cluster:
        read_end, write_end = os.pipe()
        try:
            process = subprocess.Popen(  # noqa: S603  (our own command line)
                [sys.executable, sys.argv[0], "operations_cluster"],
                env={
                    **os.environ,
                    SUPERVISOR_VARIABLE: supervisor_mark(supervisor, os.getpid()),
                    lifeline.VARIABLE: str(read_end),
                },
                pass_fds=(read_end,),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(read_end)
        return cls(process, write_end)

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self.process.poll()

    @property
    def age_seconds(self) -> float:
        return time.monotonic() - self.started

    def close_lifeline(self) -> None:
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None

    def terminate(self, patience_seconds: float) -> None:
        """SIGTERM to the main process only: its children would be cut in mid-work."""
        if self.is_running:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience_seconds)
        self.kill()

    def kill(self) -> None:
        """End the whole group: orphans of a dead sentinel go on taking tasks otherwise."""
        self.close_lifeline()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _send_alerts() -> None:
    try:
        alerts.send_unsent()
    except (OperationalError, InterfaceError) as error:
        events.log(events.DATABASE_TROUBLE, level=logging.WARNING, error_type=type(error).__name__)
    finally:
        connection.close()


def supervisor_mark(supervisor: str, pid: int) -> str:
    """What marks a cluster's processes as a supervisor's: installation, id and process id."""
    return f"{_installation()}:{supervisor}:{pid}"


def _installation() -> str:
    return hashlib.sha256(str(Path(settings.BASE_DIR)).encode()).hexdigest()[:16]


def left_over_groups() -> Iterator[int]:
    """Process groups of this installation's clusters whose supervisor is dead (Linux only:
    elsewhere the lifeline alone ends them)."""
    groups = set()
    for pid, value in processes_with_environment(SUPERVISOR_VARIABLE):
        installation, _, supervisor_pid = value.split(":")
        if installation == _installation() and not is_alive(int(supervisor_pid)):
            with contextlib.suppress(ProcessLookupError):
                groups.add(os.getpgid(pid))
    yield from groups - {os.getpgrp()}


def end_left_over_groups() -> None:
    for group in left_over_groups():
        events.log(events.WORKER_STOPPED, level=logging.WARNING, reason="left over", group=group)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)

"""The supervisor behind `manage.py operations_worker`: keeps drains resident, whatever dies.

It runs django-q2's cluster in a process group of its own, rings for a drain wherever a slot has no
living one, does the chores, and restarts the whole group when its main process exits (with whatever
code: django-q2 exits 0 when its sentinel is killed) or when a slot stays empty although it was rung
for (a killed idle worker can hold the queue's lock for ever, and the cluster still looks alive).
"""

from __future__ import annotations

import logging
import signal
import time
import uuid
from types import FrameType

from django.conf import settings
from django.db import Error as DatabaseError

from operations import banner, dispatch, events, exits, lifeline, telemetry, trace
from operations.database.clock import database_now
from operations.engine import leases
from operations.models import WorkerHeartbeat, WorkerRestart
from operations.signals import worker_restarted
from operations.workers import chores
from operations.workers.chores import note_trouble
from operations.workers.cluster import Cluster, end_left_over_groups
from operations.workers.deaths import Deaths
from operations.workers.processes import is_alive

TICK_SECONDS = 0.25
SLOW_TICK_SECONDS = 1.0
RING_SECONDS = 2.0
STUCK_SECONDS = 10.0
"""A slot that stays empty this long, although rung for, means a wedged cluster."""

START_SECONDS = 20.0
"""What a cluster gets to bring its first drain up before it counts as wedged; the next one twice as
long, up to eight times: a slow machine must not start for ever."""

MAX_TOLD = 50
"""Operation ids in one line about a death; the rest have `lost_worker` in their history."""

CLUSTER_STOP_SECONDS = 5.0
LONGEST_RESTART_PAUSE_SECONDS = 10.0


class Supervisor:
    """One per `operations_worker`; any number may run, on any number of machines."""

    def __init__(self) -> None:
        self.id = uuid.uuid4().hex
        self.slots = int(settings.OPERATIONS_WORKERS)
        self.restarts = 0
        self._short_lives = 0
        self._slow_starts = 0
        self._was_full = False
        self._cluster: Cluster | None = None
        self._stopping = False
        self._stop_reason = "lifeline ended"
        self._deaths = Deaths()
        self._chores = chores.due_now()
        self._next_ring = 0.0
        self._full_since = 0.0

    def run(self) -> None:
        """Supervise until SIGTERM, SIGINT or the end of an outer lifeline; then stop in order."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        telemetry.start_reports("supervisor")
        banner.started("worker", concurrency=settings.OPERATIONS_CONCURRENCY, drains=self.slots)
        end_left_over_groups()
        self._start()
        try:
            while not self._stopping and not lifeline.has_ended():
                self._tick()
                time.sleep(TICK_SECONDS)
        finally:
            self._stop_in_order()
            banner.stopped("worker", reason=self._stop_reason)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._stop_reason = signal.Signals(number).name
        self._stopping = True

    def _start(self) -> None:
        self._wait_for_database()
        self._cluster = Cluster.start(self.id)
        patience = START_SECONDS * 2 ** min(self._slow_starts, 3)
        self._full_since = time.monotonic() + patience - STUCK_SECONDS
        self._was_full = False
        self._next_ring = 0.0

    def _wait_for_database(self) -> None:
        """A cluster that finds no database exits at once, and every such exit would make the pause
        before the next start longer, beyond the return of the database."""
        while not self._stopping and not lifeline.has_ended():
            try:
                database_now()
            except DatabaseError as error:
                note_trouble(error)
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
            self._tell_deaths()
            for chore in self._chores:
                chore.run_when_due()
            self._fill_slots()
        except DatabaseError as error:
            note_trouble(error)
            time.sleep(1.0)
            # As long as it lasts, and no longer: trouble that comes again and again must not hide
            # a wedged cluster.
            self._full_since += time.monotonic() - started + TICK_SECONDS
        else:
            self._forgive(time.monotonic() - started)

    def _forgive(self, tick_seconds: float) -> None:
        """While the database keeps us waiting (a lock, a slow disk), drains cannot sign on either:
        that is no sign of a wedged cluster."""
        if tick_seconds > SLOW_TICK_SECONDS:
            self._full_since += tick_seconds

    def _bury_the_dead(self) -> None:
        """A drain of ours whose process is gone need not be waited for until its lease ends."""
        assert self._cluster is not None
        now = time.monotonic()
        for heartbeat in WorkerHeartbeat.objects.filter(supervisor=self.id, hostname=trace.host()):
            if not is_alive(heartbeat.pid):
                held = leases.end_leases_of(owner=heartbeat.pk)
                self._deaths.held(heartbeat.pid, list(map(str, held)), now=now)
                chores.sweep()
        for pid, exit_code in exits.reported(self._cluster.deaths):
            self._deaths.exited(pid, exit_code, now=now)

    def _tell_deaths(self) -> None:
        for death in self._deaths.settled(now=time.monotonic()):
            held = death.held or []
            events.log(
                events.WORKER_DIED,
                level=logging.WARNING,
                died=f"{trace.host()}:{death.pid}",
                exit_code=death.exit_code,
                signal=trace.signal_name(death.exit_code),
                held=len(held),
                operations=held[:MAX_TOLD] or None,
            )
            self._keep_restart("died", death.exit_code, pid=death.pid, held=len(held))

    def _fill_slots(self) -> None:
        now = time.monotonic()
        empty = self.slots - self._living_drains()
        if empty <= 0:
            self._full_since, self._was_full = now, True
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
            signal=trace.signal_name(self._cluster.exit_code),
            died=f"{trace.host()}:{self._cluster.process.pid}",
        )
        worker_restarted.send_robust(Supervisor, reason=reason, restarts=self.restarts)
        drains = self._in_flight_of_drains()
        self._keep_restart(
            reason,
            self._cluster.exit_code,
            pid=self._cluster.process.pid,
            held=sum(drains.values()),
        )
        self._deaths = Deaths(known=drains)
        self._count_short_lives(self._cluster.age_seconds)
        self._slow_starts = 0 if self._was_full else self._slow_starts + (reason == "stuck")
        if reason == "stuck":
            self._cluster.close_lifeline()
            self._wait_for_drains()
        self._cluster.kill()
        if self._short_lives:
            self._pause(min(LONGEST_RESTART_PAUSE_SECONDS, 0.5 * 2 ** min(self._short_lives, 5)))
        if not self._stopping:
            self._start()

    def _keep_restart(self, reason: str, exit_code: int | None, *, pid: int, held: int) -> None:
        """For the console. A database in trouble must not keep us from starting again."""
        try:
            WorkerRestart.objects.create(
                supervisor=self.id,
                reason=reason,
                exit_code=exit_code,
                hostname=trace.host(),
                pid=pid,
                held=held,
            )
        except DatabaseError as error:
            note_trouble(error)

    def _in_flight_of_drains(self) -> dict[int, int]:
        """How many operations the drains of this cluster said to have under way, by process id."""
        try:
            mine = WorkerHeartbeat.objects.filter(supervisor=self.id)
            return dict(mine.values_list("pid", "in_flight"))
        except DatabaseError as error:
            note_trouble(error)
            return {}

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
        dispatch.forget_rings(supervisor=self.id)

    def _wait_for_drains(self) -> None:
        assert self._cluster is not None
        end = time.monotonic() + settings.OPERATIONS_SHUTDOWN_GRACE_SECONDS
        while time.monotonic() < end and self._cluster.is_running:
            try:
                mine = list(WorkerHeartbeat.objects.filter(supervisor=self.id))
            except DatabaseError as error:
                note_trouble(error)
                return
            if not any(is_alive(heartbeat.pid) for heartbeat in mine):
                return
            time.sleep(0.1)

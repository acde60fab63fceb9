"""One campaign: start everything, strike, let it settle, then hold the rows against the invariants.

`python -m chaos` runs this module in a process of its own, in the environment that it shall test.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import django

django.setup()  # the imports below need the models

from django.core.management import call_command  # noqa: E402
from django.db import Error as DatabaseError  # noqa: E402
from django.db import connection  # noqa: E402

from chaos import invariants  # noqa: E402
from chaos.backends import Backend  # noqa: E402
from chaos.figures import Figures  # noqa: E402
from chaos.load import Submitter, unfinished  # noqa: E402
from chaos.options import LEASE_SECONDS, ROOT, Options  # noqa: E402
from chaos.plan import Action, Role, Strike, plan  # noqa: E402
from chaos.processes import (  # noqa: E402
    CAMPAIGN_VARIABLE,
    LARGEST_CLUSTER,
    Census,
    WorkerLog,
    end_marked,
    web_service,
    worker_service,
)
from chaos.servers import port_answers, wait_until  # noqa: E402
from chaos.storm import Storm  # noqa: E402
from chaos.watch import Watcher  # noqa: E402
from chaos.writer import AnswerWriter  # noqa: E402
from operations import events  # noqa: E402
from operations.database.clock import database_now  # noqa: E402
from operations.database.trouble import is_trouble  # noqa: E402
from operations.engine.transitions import RUNNING  # noqa: E402
from operations.models import Attempt, Operation, OperationEvent, WorkerHeartbeat  # noqa: E402
from operations.services import retry_operation  # noqa: E402
from operations.workers.chores import SWEEP_SECONDS  # noqa: E402

STARTS_WITHIN_SECONDS = 60.0
WRITES_WITHIN_SECONDS = 120.0
RECOVERY_SECONDS = 15.0
"""What the supervisor gets to bring a dead or wedged cluster back."""

LONGEST_RUN_SECONDS = 7.0
"""Four calls of 1.5 s, short back-offs, and its turn behind what has piled up."""

STOPS_WITHIN_SECONDS = 20.0
RETRIES_BY_PERSON = 2
SHOWN_VIOLATIONS = 20

OPERATIONS_PER_SECOND = {"kill": 15.0, "infrastructure": 15.0, "pause": 5.0}
SHORTEST_ANSWER_SECONDS = {"kill": 0.1, "infrastructure": 0.1, "pause": 1.0}
WRITERS = 2

PAUSE_SECONDS = LEASE_SECONDS + SWEEP_SECONDS + 0.5
"""How long a drain is stopped: its operations have been taken back by then."""

PAUSES_AFTER_STORM_SECONDS = 60.0
BREATH_SECONDS = 1.5
"""Between two stops."""

BURST = 180
BURST_WITHIN_SECONDS = 5.0
SENT_SECONDS = 0.6
"""Until a drain has sent the calls it claimed, and before the first answer: one that is stopped in
the middle of a commit would hold SQLite's one write lock, and nobody could take its work over."""


@dataclass
class Campaign:
    options: Options
    backend: Backend
    id: str = field(default_factory=lambda: uuid4().hex)

    def __post_init__(self) -> None:
        environment = {**os.environ, CAMPAIGN_VARIABLE: self.id}
        directory = Path(self.options.directory)
        log = directory / "worker.log"
        worker, web = (
            worker_service(environment, log),
            web_service(environment, directory / "web.log"),
        )
        self.environment = environment
        self.census = Census(self.id, worker, web, WorkerLog(log))
        self.storm = Storm(self.census, self.backend, self._asked)
        self.watcher = Watcher()
        self.submitter = Submitter(
            name="submitter",
            seed=self.options.seed,
            per_second=OPERATIONS_PER_SECOND[self.options.kind],
        )
        self.bursts = Submitter(name="bursts", seed=self.options.seed)
        self.writers = [
            AnswerWriter(port=self.options.web_port, seed=self.options.seed + number)
            for number in range(WRITERS)
        ]
        self.figures = Figures(
            backend=self.backend.name,
            kind=self.options.kind,
            seed=self.options.seed,
            seconds=self.options.seconds,
        )

    def _asked(self) -> int:
        return self.submitter.asked + sum(writer.asked for writer in self.writers)

    def run(self) -> Figures:
        try:
            with self._provider():
                self._start()
                self._strike()
                self._settle()
                self._note_outcomes()
                self._retry_what_did_not_complete()
                self._stop()
                self._judge(calls=self._calls_at_provider())
        finally:
            end_marked(self.id)
            connection.close()
            self.backend.stop()
        return self.figures

    @contextlib.contextmanager
    def _provider(self) -> Iterator[None]:
        """Its standard input is its lifeline: it ends with this process."""
        port = str(self.options.provider_port)
        shortest = str(SHORTEST_ANSWER_SECONDS[self.options.kind])
        provider = subprocess.Popen(  # noqa: S603  (our own command line)
            [sys.executable, "-m", "chaos.provider", "--port", port, "--shortest", shortest],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
        )
        try:
            wait_until(lambda: port_answers(self.options.provider_port), STARTS_WITHIN_SECONDS)
            yield
        finally:
            provider.kill()
            provider.communicate()

    def _start(self) -> None:
        self.backend.start()
        call_command("migrate", interactive=False, verbosity=0)
        self.census.worker.start()
        self.census.web.start()
        wait_until(
            lambda: WorkerHeartbeat.objects.count() == 2 and port_answers(self.options.web_port),
            STARTS_WITHIN_SECONDS,
        )
        for thread in (self.watcher, self.submitter, *self.writers):
            thread.start()
        # On a slow machine a web server that is killed every few seconds hardly ever answers.
        wait_until(lambda: all(w.written.confirmed for w in self.writers), WRITES_WITHIN_SECONDS)

    def _strike(self) -> None:
        if self.options.kind == "pause":
            self._pause_drains(self.options.seconds)
            return
        infrastructure = self.backend.faults if self.options.kind == "infrastructure" else ()
        strikes = plan(
            seed=self.options.seed,
            seconds=self.options.seconds,
            lease_seconds=LEASE_SECONDS,
            infrastructure=infrastructure,
        )
        self.storm.run(strikes, self.options.seconds)
        self._calm()
        # In a short storm a drain may have been killed each time before it could wake up too late.
        self._pause_drains(PAUSES_AFTER_STORM_SECONDS)

    def _pause_drains(self, seconds: float) -> None:
        """Stop the busiest drain for longer than its lease, while answers arrive for it and others
        take its work over; again and again, until enough of its writes came too late."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and stale_writes() < self.figures.stale_writes_needed:
            self.bursts.burst(BURST)
            with contextlib.suppress(TimeoutError):
                wait_until(lambda: busiest_drain()[1] >= BURST // 2, BURST_WITHIN_SECONDS)
            time.sleep(SENT_SECONDS)
            self._stop_for_a_while(busiest_drain()[0])

    def _stop_for_a_while(self, drain: int) -> None:
        candidates = self.census.of(Role.DRAIN)
        if drain in candidates:
            choice = (candidates.index(drain) + 0.5) / len(candidates)
            self.storm.strike(Strike(0.0, Role.DRAIN, Action.STOP, choice, PAUSE_SECONDS))
        self.storm.run([], PAUSE_SECONDS + BREATH_SECONDS)

    def _settle(self) -> None:
        """From the last signal on: everything must end in time, however it was hit."""
        self.submitter.ending.set()
        for writer in self.writers:
            writer.ending.set()
        self._calm()
        limit = LEASE_SECONDS + SWEEP_SECONDS + RECOVERY_SECONDS + LONGEST_RUN_SECONDS
        self.figures.settle_limit_seconds = limit
        self.figures.settled_seconds = self._wait_for_the_end(limit)
        self.figures.signals = dict(self.storm.signals)
        if self.options.kind == "infrastructure":
            self.figures.faults_met = {
                str(fault): self.storm.faults[str(fault)] for fault in self.backend.faults
            }
        self.watcher.stop()
        self._look_for_second_cluster()

    def _calm(self) -> None:
        self.storm.calm()
        connection.close()  # the database may have been restarted behind its back
        wait_until(database_answers, STARTS_WITHIN_SECONDS)

    def _wait_for_the_end(self, limit: float) -> float:
        """Seconds until nothing was pending or running; at most `limit`."""
        started = time.monotonic()
        while (passed := time.monotonic() - started) < limit:
            self.storm.keep_up()
            if not self._somebody_works_on():
                break
            time.sleep(0.1)
        return round(passed, 1)

    def _somebody_works_on(self) -> bool:
        threads = (self.submitter, *self.writers)
        try:
            return any(thread.is_alive() for thread in threads) or bool(unfinished())
        except DatabaseError as error:  # a pooler asks again a moment later than we do
            if not is_trouble(error):
                raise
            connection.close()
            return True

    def _look_for_second_cluster(self) -> None:
        end = time.monotonic() + RECOVERY_SECONDS
        while time.monotonic() < end and self.census.orphans():
            self.storm.keep_up()
            time.sleep(0.1)
        if orphans := self.census.orphans():
            self.figures.violations.append(f"{len(orphans)} processes of dead supervisors live on")
        if len(self.census.cluster()) > LARGEST_CLUSTER:
            self.figures.violations.append(f"{len(self.census.cluster())} processes in a cluster")

    def _note_outcomes(self) -> None:
        figures = self.figures
        figures.operations = Operation.objects.count()
        figures.completed_by_itself = completed()
        figures.ended_otherwise = ends_other_than_completed()

    def _retry_what_did_not_complete(self) -> None:
        """What failed or was cancelled is not lost either: a click or two later it completes. (Two:
        one that was cancelled before its first call meets its fault only now.)"""
        for _ in range(RETRIES_BY_PERSON):
            for pk in Operation.objects.filter(status__in=Operation.RETRYABLE).values_list("pk"):
                retry_operation(operation_id=pk[0], door="command")
                self.figures.retried_by_person += 1
            self._wait_for_the_end(self.figures.settle_limit_seconds)
        self.figures.completed_in_the_end = completed()
        self.figures.violations += [
            f"a retry by a person ended {end}" for end in ends_other_than_completed()
        ]

    def _stop(self) -> None:
        """In order, as an operator would; nothing may be left."""
        for service in (self.census.worker, self.census.web):
            if service.stop(STOPS_WITHIN_SECONDS) != 0:
                self.figures.violations.append(f"{service.name} did not stop in order")
        left = set(self.census.mine()) & set(self.census.cluster())
        if left:
            self.figures.violations.append(f"{len(left)} worker processes are left over")

    def _calls_at_provider(self) -> int:
        client = http.client.HTTPConnection("127.0.0.1", self.options.provider_port, timeout=30)
        try:
            client.request("GET", "/__fault/log")
            return len(json.loads(client.getresponse().read()))
        finally:
            client.close()

    def _judge(self, *, calls: int) -> None:
        figures = self.figures
        self._note_ledger(calls)
        for thread in (self.watcher, self.submitter, *self.writers):
            if thread.failure:
                figures.violations.append(f"{thread.name} failed: {thread.failure}")
        figures.violations += self.watcher.violations
        figures.violations += invariants.violations(invariants.SETTLED)
        figures.violations += invariants.calls_have_attempts(calls)
        for submitter in (self.submitter, self.bursts):
            figures.violations += invariants.submitted_are_there(submitter.confirmed)
        for writer in self.writers:
            figures.violations += invariants.answers_are_word_for_word(
                confirmed=writer.written.confirmed, sent=writer.written.sent
            )
        shorten(figures.violations)
        figures.judge_vacuity()

    def _note_ledger(self, calls: int) -> None:
        figures = self.figures
        outcomes = Counter(Attempt.objects.values_list("outcome", flat=True))
        figures.attempts = sum(outcomes.values())
        figures.calls = calls
        figures.possibly_paid_twice = Attempt.objects.filter(possibly_paid_twice=True).count()
        figures.rescues = OperationEvent.objects.filter(name=events.RESCUED).count()
        figures.attempts_lost = outcomes[Attempt.Outcome.LOST] + outcomes[Attempt.Outcome.FENCED]
        figures.stale_writes_refused = stale_writes()
        figures.answers_confirmed = sum(len(w.written.confirmed) for w in self.writers)
        figures.requests_repeated = sum(w.written.repeated for w in self.writers)
        figures.supervisor_starts = self.census.worker.starts
        figures.web_starts = self.census.web.starts
        self.census.log.read()
        figures.cluster_restarts = self.census.log.restarts
        figures.longest_without_drain_seconds = round(self.watcher.longest_without_drain, 1)
        figures.live_looks = self.watcher.looks


def database_answers() -> bool:
    """A pooler asks a server again a moment later than we do."""
    try:
        database_now()
    except DatabaseError as error:
        if not is_trouble(error):
            raise
        connection.close()
        return False
    return True


def shorten(violations: list[str]) -> None:
    """One cause often shows in a thousand rows."""
    if (more := len(violations) - SHOWN_VIOLATIONS) > 0:
        violations[SHOWN_VIOLATIONS:] = [f"and {more} more"]


def busiest_drain() -> tuple[int, int]:
    """(pid, calls in flight); (0, 0) where none has any."""
    in_flight = Counter(
        Operation.objects.filter(status=RUNNING).values_list("lease_owner", flat=True)
    )
    pids = dict(WorkerHeartbeat.objects.values_list("pk", "pid"))
    counted = [(pids[owner], count) for owner, count in in_flight.items() if owner in pids]
    return max(counted, key=lambda drain: drain[1], default=(0, 0))


def stale_writes() -> int:
    """Results that came after their fence was taken, and were dropped."""
    return Attempt.objects.filter(outcome=Attempt.Outcome.FENCED).count()


def completed() -> int:
    return Operation.objects.filter(status=Operation.Status.COMPLETED).count()


def ends_other_than_completed() -> dict[str, int]:
    """How often which end: an error code, or the status."""
    rows = Operation.objects.exclude(status=Operation.Status.COMPLETED)
    return dict(
        Counter(code or status for status, code in rows.values_list("status", "error_code"))
    )


if __name__ == "__main__":
    # Ended from outside, it still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options = Options(**json.loads(sys.argv[1]))
    print(Campaign(options, options.make_backend()).run().to_json())

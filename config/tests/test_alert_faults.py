"""Each alert of `deploy/prometheus/` is fired by a fault of its own, and by no other one.

One installation is hurt, a fault after the other; another one beside it does the same work and is
left in peace. Each has a Debian Prometheus with the shipped rules, all their times shorter by one
factor, and an Alertmanager's stand-in, which counts what it is told: once, and that it is over.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from config.tests.production import Production
from config.tests.prometheus import RULES, Prometheus, names, wait_for
from config.tests.watchers import Watcher
from operations.tests.fault_server import FaultServer
from operations.tests.ports import free_port

CONCURRENCY = 16
BELOW_CONCURRENCY = 12
"""And more than `InterviewPracticePaidTwice` lets pass."""

NO_QUESTION = """
CREATE TRIGGER no_question BEFORE INSERT ON interview_app_question
BEGIN SELECT RAISE(ABORT, 'a bug of ours'); END
"""


@dataclass
class Watched:
    """An installation as production has it, its provider, and who looks at it."""

    production: Production
    provider: FaultServer
    prometheus: Prometheus
    told: Watcher
    person: Callable[..., Any]

    def practise(self, times: int = 1) -> None:
        """Each is one call to the provider."""
        for _ in range(times):
            posting = "Steers the ferry across the river, daily."
            self.person("POST", "sessions/", {"role": "Ferry master", "job_description": posting})

    def execute(self, statement: str) -> list[Any]:
        with closing(sqlite3.connect(self.production.database, timeout=20)) as database, database:
            return database.execute(statement).fetchall()

    def is_calm(self) -> bool:
        """As last scraped: the worker beats, and nothing waits or is under way."""
        busy = "operations_pending + operations_in_flight"
        return self.prometheus.value(f"operations_workers - ({busy})") == 1

    def fires_beyond(self, before: set[str]) -> bool:
        return bool(self.prometheus.firing() - before)

    def kill(self, program: str) -> None:
        """kill -9, as the kernel does where memory is short."""
        (process,) = (each for each in self.production.processes if program in str(each.args))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.production.processes.remove(process)


@contextmanager
def workers_die_during_calls(it: Watched) -> Iterator[None]:
    it.provider.latency = 20
    it.practise(BELOW_CONCURRENCY)
    wait_for(lambda: it.prometheus.value("operations_in_flight") == BELOW_CONCURRENCY, "no calls")
    it.provider.latency = 0
    for (drain,) in it.execute("SELECT pid FROM operations_workerheartbeat"):
        os.kill(drain, signal.SIGKILL)
    yield


@contextmanager
def results_cannot_be_stored(it: Watched) -> Iterator[None]:
    it.execute(NO_QUESTION)
    it.practise()
    yield
    it.execute("DROP TRIGGER no_question")


@contextmanager
def no_worker(it: Watched) -> Iterator[None]:
    it.kill("operations_worker")
    yield
    it.production.start_worker()


@contextmanager
def all_slots_full(it: Watched) -> Iterator[None]:
    it.provider.latency = 15
    it.practise(CONCURRENCY + 4)
    yield
    it.provider.latency = 0


@contextmanager
def provider_pauses(it: Watched) -> Iterator[None]:
    it.provider.playing = "quota_insufficient_quota"
    it.practise(2)
    yield
    it.provider.playing = "ok"
    it.production.run("manage.py", "resume_provider")


@contextmanager
def provider_refuses(it: Watched) -> Iterator[None]:
    """No 5xx: such a call may have been paid for, which is another alert's matter."""
    it.provider.playing = "rate_limit_tpm"
    it.practise(BELOW_CONCURRENCY)
    yield
    it.provider.playing = "ok"


@contextmanager
def no_web_process(it: Watched) -> Iterator[None]:
    it.kill("config.webserver")
    yield
    it.production.start_web()


FAULTS: dict[str, Callable[[Watched], AbstractContextManager[None]]] = {
    # Those with the longest windows first: they clear while the others are tried.
    "InterviewPracticePaidTwice": workers_die_during_calls,
    "InterviewPracticeOwnFault": results_cannot_be_stored,
    "InterviewPracticeNoWorker": no_worker,
    "InterviewPracticeWaiting": all_slots_full,
    "InterviewPracticeProviderPaused": provider_pauses,
    "InterviewPracticeCallsFail": provider_refuses,
    "InterviewPracticeUnreachable": no_web_process,
}


def test_each_alert_has_a_fault() -> None:
    assert set(FAULTS) == names(RULES.read_text(), "alert")


@contextmanager
def watched(directory: Path) -> Iterator[Watched]:
    directory.mkdir()
    with ExitStack() as stack:
        provider, told = stack.enter_context(FaultServer()), stack.enter_context(Watcher())
        variables = {
            "OPENAI_API_KEY": "sk-proj-a-key-for-tests-only",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{provider.port}/v1",
            "OPERATIONS_BACKOFF_BASE_SECONDS": "0.05",
            "OPERATIONS_CONCURRENCY": str(CONCURRENCY),
            "OPERATIONS_LEASE_SECONDS": "5",
            "REGISTRATION_OPEN": "true",
            "API_THROTTLES": "false",
        }
        production = Production(directory, free_port(), variables)
        stack.callback(production.stop)
        production.start(worker=True)
        person = production.somebody_new("alice", "three green bicycles")
        looks = Prometheus(directory, production.port, told.address)
        yield Watched(production, provider, stack.enter_context(looks), told, person)


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.prometheus
@pytest.mark.timeout(500)
def test_each_alert_fires_once_and_clears_and_health_fires_none(tmp_path: Path) -> None:
    with watched(tmp_path / "healthy") as healthy, watched(tmp_path / "hurt") as hurt:

        def wait(condition: Callable[[], bool], what: str) -> None:
            def both_go_on() -> bool:
                healthy.practise()
                return condition()

            wait_for(both_go_on, what)

        for name, fault in FAULTS.items():
            wait(hurt.is_calm, f"no calm before {name}")
            before = hurt.prometheus.firing()
            with fault(hurt):
                wait(partial(hurt.fires_beyond, before), f"not fired: {name}")
                assert hurt.prometheus.firing() - before == {name}
        wait(lambda: hurt.prometheus.firing() == set(), "not all cleared")
        wait(lambda: all(each.has_cleared for each in hurt.told.alerts()), "nobody was told")

        fired = Counter(each.name for each in hurt.told.alerts())
        assert fired == dict.fromkeys(FAULTS, 1)
        assert healthy.told.alerts() == set()
        # Not each time: on a busy machine an answer may take longer than the second that it has.
        assert healthy.prometheus.value("avg_over_time(up[10m])") > 0.9, "it was looked at"
        assert healthy.prometheus.value('sum(operations_total{status="completed"})') > 50

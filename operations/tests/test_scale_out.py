"""Three hosts share one queue: their clocks are two minutes apart each, one is cut off from the
database in the middle of its work, one is killed.

A host is the real worker command with a process group, a clock and a line to the database of its
own. SCALE_OUT_OPERATIONS=3000 is the long form.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

from chaos.proxy import SlowLine
from operations.tests.ports import free_port
from operations.tests.private_postgresql import PrivatePostgreSQL
from operations.tests.private_redis import PrivateRedis
from operations.tests.worker import WorkerProcess

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.faketime,
    pytest.mark.timeout(600),
]

OPERATIONS = int(os.environ.get("SCALE_OUT_OPERATIONS", "600"))
LATENCY_SECONDS = 5.0
CONCURRENCY = OPERATIONS // 9
"""Of each host: all three together need about fifteen seconds for everything."""

LEASE_SECONDS = 10
CUT_SECONDS = LEASE_SECONDS + 5
SKEW_SECONDS = 120
PATIENCE_SECONDS = 240


JUDGE = """
import json
from chaos import invariants
print(json.dumps(invariants.violations(invariants.SETTLED)))
"""
"""Lost, doubled, stuck or miscounted: what the kill campaigns look for."""


class Host(WorkerProcess):
    def __init__(
        self, *, skew_seconds: int, library: Path, line: SlowLine, log: Path, **variables: str
    ) -> None:
        self.skew_seconds = skew_seconds
        self.line = line
        self.log = log
        self.pids: set[int] = set()
        self.supervisor = None
        self.environment = {
            **os.environ,
            **variables,
            "DJANGO_SETTINGS_MODULE": "operations.tests.worker_settings",
            "SIMULATED_LATENCY_SECONDS": str(LATENCY_SECONDS),
            "OPERATIONS_CONCURRENCY": str(CONCURRENCY),
            "OPERATIONS_LEASE_SECONDS": str(LEASE_SECONDS),
            "LD_PRELOAD": str(library),
            "FAKETIME": f"{skew_seconds:+}s",
        }

    def start(self, drains: int = 1) -> None:
        with self.log.open("wb") as log:
            self.supervisor = subprocess.Popen(
                [sys.executable, "manage.py", "operations_worker"],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def clock(self) -> float:
        """Seconds that its processes are ahead of this one."""
        said = subprocess.run(
            [sys.executable, "-c", "import time; print(time.time())"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return float(said.stdout) - time.time()


@dataclass
class Cluster:
    server: PrivatePostgreSQL
    hosts: dict[str, Host]

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.server.url("practice"), autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()

    def run(self, *arguments: str) -> str:
        """What Python says on this database, at the right time."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "operations.tests.worker_settings",
                "DATABASE_URL": self.server.url("practice"),
                "OPERATIONS_LEASE_SECONDS": str(LEASE_SECONDS),
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def completed(self) -> int:
        ((count,),) = self.ask("SELECT count(*) FROM operations_operation WHERE status='completed'")
        return int(count)

    def held_by(self, name: str) -> int:
        return self._attempts(name, "a.outcome = 'running'")

    def completed_by(self, name: str) -> int:
        return self._attempts(name, "a.outcome = 'succeeded'")

    def drains(self) -> int:
        ((count,),) = self.ask(
            "SELECT count(*) FROM operations_workerheartbeat"
            " WHERE accepts_work AND expires_at > clock_timestamp()"
        )
        return int(count)

    def _attempts(self, name: str, condition: str) -> int:
        host = self.hosts[name]
        host.pids.update(host.processes())
        workers = "', '".join(f":{pid}" for pid in host.pids)
        ((count,),) = self.ask(
            "SELECT count(*) FROM operations_attempt a"  # noqa: S608  (process ids)
            f" WHERE {condition} AND substring(a.worker from ':[0-9]+$') IN ('{workers}')"
        )
        return int(count)


@pytest.fixture
def cluster(tmp_path: Path, faketime: Path) -> Iterator[Cluster]:
    with PrivatePostgreSQL() as server, PrivateRedis() as redis:
        server.execute("CREATE DATABASE practice")
        hosts = {}
        for name, skew_seconds in (("fast", SKEW_SECONDS), ("right", 0), ("slow", -SKEW_SECONDS)):
            line = SlowLine(free_port(), server.port)
            line.start()
            hosts[name] = Host(
                skew_seconds=skew_seconds,
                library=faketime,
                line=line,
                log=tmp_path / f"{name}.log",
                DATABASE_URL=server.url("practice").replace(f":{server.port}", f":{line.port}"),
                REDIS_URL=redis.url,
            )
        try:
            yield Cluster(server, hosts)
        finally:
            for host in hosts.values():
                host.line.is_cut = False
                host.kill_everything()
                host.line.stop()


def wait_for(condition: Callable[[], Any], *, what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def test_nothing_is_lost_and_nothing_doubled(cluster: Cluster) -> None:
    for host in cluster.hosts.values():
        assert host.clock() == pytest.approx(host.skew_seconds, abs=10)
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=settings.BASE_DIR,
        env={**cluster.hosts["right"].environment, "FAKETIME": "+0s"},
        check=True,
    )
    for host in cluster.hosts.values():
        host.start()
    wait_for(lambda: cluster.drains() == len(cluster.hosts), what="a host did not start")
    began = cluster.ask("SELECT clock_timestamp()")[0][0]

    cluster.run("-m", "operations.tests.mortal", "submit_many", str(OPERATIONS))
    cut_off, killed = cluster.hosts["slow"], cluster.hosts["fast"]
    wait_for(lambda: cluster.held_by("slow") and cluster.held_by("fast"), what="they got no work")
    cut_off.line.is_cut = True
    before = cluster.completed_by("slow")
    killed.kill_everything()
    time.sleep(CUT_SECONDS)
    cut_off.line.is_cut = False
    wait_for(lambda: cluster.completed() == OPERATIONS, what="some did not complete")
    ended = cluster.ask("SELECT clock_timestamp()")[0][0]

    assert cluster.ask("SELECT status, count(*) FROM operations_operation GROUP BY status") == [
        ("completed", OPERATIONS)
    ]
    assert json.loads(cluster.run("manage.py", "shell", "-v", "0", "-c", JUDGE)) == []
    assert lost_calls(cluster) > 0, "nobody held anything when it was struck"
    assert cluster.completed_by("slow") > before, "who was cut off works again"
    ((first, last),) = cluster.ask(
        "SELECT min(started_at), max(finished_at) FROM operations_attempt"
    )
    assert began <= first <= last <= ended, "all times are the database's"


def lost_calls(cluster: Cluster) -> int:
    ((count,),) = cluster.ask("SELECT count(*) FROM operations_attempt WHERE outcome = 'lost'")
    return int(count)

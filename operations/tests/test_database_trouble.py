"""The database goes away while answers come in: they are kept, and everything ends right."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections
from django.db.backends.signals import connection_created
from pytest_django import Settings

from operations.engine.drain import Drain
from operations.models import Operation
from operations.tests.fault_server import FaultServer
from operations.tests.invariants import violations
from operations.tests.judgement.kind import JudgementKind
from operations.tests.private_postgresql import PrivatePostgreSQL
from operations.tests.worker import WorkerProcess, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Submit = Callable[..., Operation]

LEASE_SECONDS = 4.0
HELD_SECONDS = 6.0
"""Longer than a lease: by then a second worker could believe the first one dead."""

SHORT_PATIENCE = "PRAGMA journal_mode=WAL; PRAGMA busy_timeout=100;"


@contextlib.contextmanager
def write_lock() -> Iterator[None]:
    """Somebody else's transaction holds SQLite's only write lock."""
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    with contextlib.closing(other):
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("options", [{}, {"init_command": SHORT_PATIENCE, "timeout": 0.1}])
def test_answers_that_come_while_sqlite_is_locked_are_kept(
    options: dict[str, Any],
    submit: Submit,
    provider: FaultServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the usual patience the write waits; with little it is refused and tried again."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has no lock on the whole database")
    settings.OPERATIONS_LEASE_SECONDS = LEASE_SECONDS
    operations = [submit() for _ in range(10)]
    for name, value in options.items():
        monkeypatch.setitem(connections.settings["default"]["OPTIONS"], name, value)
    provider.latency = 1.0
    worker = threading.Thread(target=lambda: asyncio.run(Drain(until_idle=True).run()))

    worker.start()
    wait_until(lambda: len(provider.requests()) == len(operations))
    with write_lock():
        time.sleep(HELD_SECONDS)
        assert not Operation.objects.filter(status=Operation.Status.COMPLETED).exists()
    worker.join(60)

    assert not worker.is_alive()
    assert set(Operation.objects.values_list("status", flat=True)) == {"completed"}
    assert len(provider.requests()) == len(operations), "no answer is paid for again"
    assert violations() == []


class SmallDisk:
    """SQLite's own page limit, set on each connection that is opened while the disk is full."""

    SPARE_PAGES = 20

    def __init__(self) -> None:
        self.is_full = True

    def __call__(self, connection: Any, **_: object) -> None:
        if not self.is_full:
            return
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA page_count")
            (pages,) = cursor.fetchone()
            cursor.execute(f"PRAGMA max_page_count = {pages + self.SPARE_PAGES}")


@pytest.mark.django_db(transaction=True)
def test_answers_that_find_a_full_disk_are_kept_until_there_is_room(
    submit: Submit, judgement: JudgementKind, provider: FaultServer, settings: Settings
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the limit is SQLite's")
    settings.OPERATIONS_LEASE_SECONDS = 30
    operation = submit()
    judgement.padding = "x" * 1_000_000
    disk = SmallDisk()
    connection_created.connect(disk)
    worker = threading.Thread(target=lambda: asyncio.run(Drain(until_idle=True).run()))
    try:
        worker.start()
        wait_until(lambda: len(provider.requests()) == 1)
        time.sleep(2.0)
        operation.refresh_from_db()
        assert operation.status == Operation.Status.RUNNING, "the answer finds no room"
        disk.is_full = False
        worker.join(30)
    finally:
        connection_created.disconnect(disk)

    assert not worker.is_alive()
    operation.refresh_from_db()
    assert operation.status == Operation.Status.COMPLETED
    assert len(provider.requests()) == 1, "the answer is not paid for again"
    assert violations() == []


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgreSQL]:
    with PrivatePostgreSQL() as private:
        yield private


class Elsewhere:
    """Steps of the engine in processes of their own, on a database of the private server."""

    def __init__(self, server: PrivatePostgreSQL, name: str, provider: FaultServer) -> None:
        self.provider = provider
        self.environment = WorkerProcess(
            provider, DATABASE_URL=server.url(name), OPERATIONS_LEASE_SECONDS=str(LEASE_SECONDS)
        ).environment
        server.execute(f"CREATE DATABASE {name}")
        self._run("manage.py", "migrate", "--verbosity=0")

    def start(self, step: str, **environment: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "operations.tests.mortal", step],
            cwd=django_settings.BASE_DIR,
            env=self.environment | environment,
        )

    def run(self, step: str) -> bytes:
        return self._run("-m", "operations.tests.mortal", step)

    def report(self) -> Any:
        return json.loads(self.run("report"))

    def _run(self, *arguments: str) -> bytes:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=django_settings.BASE_DIR,
            env=self.environment,
            stdout=subprocess.PIPE,
            check=True,
            timeout=60,
        ).stdout


SOUND = {"statuses": ["completed"] * 10, "violations": []}


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("name", "lease_seconds", "latency", "calls"),
    [
        # The answers come while it is down: kept in memory, written when it is back.
        pytest.param("answered", "60", 2.0, range(10, 11), id="answers come while it is down"),
        # The leases end while it is down: calls are given up, and asked again by whoever may.
        pytest.param("silent", "2", 12.0, range(10, 31), id="leases end while it is down"),
    ],
)
def test_postgresql_that_crashes_with_calls_in_flight_costs_no_operation(
    name: str,
    lease_seconds: str,
    latency: float,
    calls: range,
    server: PrivatePostgreSQL,
    provider: FaultServer,
) -> None:
    elsewhere = Elsewhere(server, name, provider)
    elsewhere.run("submit_ten")
    provider.latency = latency
    drain = elsewhere.start("drain", OPERATIONS_LEASE_SECONDS=lease_seconds)
    wait_until(lambda: len(provider.requests()) == 10, 60)

    server.stop_at_once()
    time.sleep(HELD_SECONDS)
    provider.latency = 0.0
    server.start()

    assert drain.wait(60) == 0
    elsewhere.run("finish")
    assert elsewhere.report() == SOUND
    assert len(provider.requests()) in calls


@pytest.mark.postgres
def test_connections_that_are_cut_again_and_again_cost_no_operation(
    server: PrivatePostgreSQL, provider: FaultServer
) -> None:
    elsewhere = Elsewhere(server, "cut", provider)
    elsewhere.run("submit_ten")
    provider.latency = 0.2
    # Two at a time: one group commit of all ten would leave nothing to cut.
    drain = elsewhere.start("drain", OPERATIONS_CONCURRENCY="2")
    wait_until(lambda: provider.requests(), 60)

    cut = 0
    for _ in range(30):
        cut += len(
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'cut'"
            )
        )
        time.sleep(0.03)

    assert cut > 5
    assert drain.wait(60) == 0
    elsewhere.run("finish")
    assert elsewhere.report() == SOUND

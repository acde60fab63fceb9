"""What an installation costs while nobody uses it: its workers alone, then with its web part."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

from bench import processes
from bench.bystanders import Machine
from bench.web import WEB_SERVER, wait_until, web_server
from bench.work.jobs import make_jobs

SETTLE_SECONDS = 5.0
"""After the last job and page: what is done behind them is not idleness."""

WARM_UP = 16
"""Jobs of workers, and pages of web processes, that have only just started."""

WEB_PROCESSES = 2
"""As many as the product's own web server has."""


def rest(machine: Machine) -> dict[str, Any]:
    figures = _idle("idle", machine)
    with _whole(machine) as installation:
        return {**figures, **_idle("whole", installation)}


def _idle(name: str, machine: Machine) -> dict[str, Any]:
    """Memory is looked at once, at the end."""
    time.sleep(SETTLE_SECONDS)
    cpu = machine.cpu_at_rest(machine.run.rest_seconds)
    everybody = processes.tree(machine.worker_pids)
    return {
        f"{name}_pss_mb": round(processes.pss_bytes(everybody) / 1_000_000, 1),
        f"{name}_processes": len(everybody),
        f"{name}_cpu_ms_s": round(cpu["worker"], 2),
        f"{name}_postgresql_cpu_ms_s": round(cpu["postgresql"], 2),
        f"{name}_redis_cpu_ms_s": round(cpu["redis"], 2),
    }


@contextlib.contextmanager
def _whole(machine: Machine) -> Iterator[Machine]:
    """On SQLite that is what a newcomer's `make run` starts, in place of the workers so far; else
    a web server beside them: the product's own, or for a peer the same pages as granian's
    documentation serves a WSGI application (github.com/emmett-framework/granian#quickstart)."""
    run = machine.run
    if run.is_sqlite:
        processes.stop(machine.workers)
        # DEBUG as `make run` has it. The database is not of `up`'s making: it gets no accounts.
        with web_server(run.with_(debug=True), _up()) as (server, connection):
            installation = dataclasses.replace(machine, workers=[server])
            wait_until(machine.side.is_ready)
            _work(installation)
            _visit(connection)
            yield installation
        return
    command = WEB_SERVER if run.is_ours else _granian(run.web_port)
    with web_server(run, command) as (server, connection):
        _visit(connection)
        yield dataclasses.replace(machine, workers=[*machine.workers, server])


def _up() -> list[str]:
    return [sys.executable, "manage.py", "up"]


def _granian(port: int) -> list[str]:
    size = ["--workers", str(WEB_PROCESSES), "--port", str(port)]
    return [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        *size,
        "config.wsgi:application",
    ]


def _work(machine: Machine) -> None:
    job_ids, _ = make_jobs(WARM_UP)
    machine.side.enqueue(job_ids)
    wait_until(lambda: not machine.side.unfinished())


def _visit(connection: HTTPConnection) -> None:
    """Each on a connection of its own, so that every process has to load its pages."""
    for _ in range(WARM_UP):
        connection.close()
        connection.request("GET", "/")
        response = connection.getresponse()
        response.read()
        if response.status >= 400:
            raise SystemExit(f"the first page answered {response.status}")

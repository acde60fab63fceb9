"""Ours alone: how long the product's web server takes to answer while the workers are idle, hold a
thousand calls, or work off a backlog as fast as they can."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from knox.models import AuthToken

from bench import processes
from bench.bystanders import Machine
from bench.figures import percentiles
from bench.options import Run
from bench.work.jobs import make_jobs, settle_database
from operations.models import Operation

USERS = 10
"""Each may ask 600 times a minute."""

REQUESTS = 150
"""Of each sort, one after the other, as one person's are."""

START_SECONDS = 90.0

WEB_SERVER = (sys.executable, "-m", "config.webserver")

Answer = tuple[float, Any, str]
"""Milliseconds until it was there, what it says, its ETag."""

POSTING = {
    "role": "Backend engineer",
    "job_description": "You own the ledger service: Python, PostgreSQL, on-call every sixth week. "
    * 8,
    "resume_text": "2021-2026 Tallyroo: moved billing from a nightly job to events. " * 20,
    "question_count": 5,
}


def web(machine: Machine) -> dict[str, Any]:
    """Milliseconds as the client sees them, over one kept connection."""
    tokens = itertools.cycle([_token(number) for number in range(USERS)])
    with web_server(machine.run, WEB_SERVER) as (server, connection):
        client = Client(connection, tokens)
        client.measure(10)  # imports and plans are in nobody's figures
        figures: dict[str, Any] = {"web_idle": client.measure(REQUESTS)}
        figures["web_processor"] = client.processor_ms(server, REQUESTS)
        machine.stub.set_latency(machine.run.latency)
        _enqueue(machine, machine.run.in_flight)
        wait_until(lambda: _running() >= machine.run.in_flight)
        figures["web_full"] = client.measure(REQUESTS)
        machine.wait_for_answers(0)
        machine.stub.set_latency(1.0)
        _enqueue(machine, machine.run.count)
        wait_until(lambda: _running() >= machine.run.in_flight * 0.9)
        figures["web_busy"] = client.measure(REQUESTS)
        figures["still_waiting"] = Operation.objects.filter(status="pending").count()
    figures["problems"] = (
        [] if figures["still_waiting"] else ["the backlog ended before the measuring"]
    )
    return figures


class Client:
    def __init__(self, connection: HTTPConnection, tokens: Iterator[str]) -> None:
        self._connection = connection
        self._tokens = tokens

    def measure(self, count: int) -> dict[str, float]:
        # The server has closed a connection on which nothing was asked for 15 s.
        self._connection.close()
        self._connection.connect()
        times: dict[str, list[float]] = {"post": [], "get": [], "unchanged": []}
        for _ in range(count):
            token = next(self._tokens)
            took, answer, _ = self._post(token)
            times["post"].append(took)
            operation = answer["operation"]["id"]
            took, _, tag = self._get(token, operation)
            times["get"].append(took)
            took, _, _ = self._get(token, operation, unless=tag)
            times["unchanged"].append(took)
        figures: dict[str, float] = {}
        for name, milliseconds in times.items():
            figures |= percentiles(name, milliseconds)
        return figures

    def processor_ms(self, server: subprocess.Popen[bytes], count: int) -> dict[str, float]:
        """What the web server's processes use for a request: all of one sort, then all of the
        next, since the system counts in hundredths of a second."""
        tokens = [next(self._tokens) for _ in range(count)]
        post_ms, posts = _cost(server, [partial(self._post, token) for token in tokens])
        operations = [answer["operation"]["id"] for _, answer, _ in posts]
        asked = [partial(self._get, *each) for each in zip(tokens, operations, strict=True)]
        get_ms, answers = _cost(server, asked)
        tags = [tag for _, _, tag in answers]
        unchanged_ms, _ = _cost(
            server, [partial(get, unless=tag) for get, tag in zip(asked, tags, strict=True)]
        )
        return {"post_ms": post_ms, "get_ms": get_ms, "unchanged_ms": unchanged_ms}

    def _post(self, token: str) -> Answer:
        return self._ask("POST", "sessions/", token, 201, body=json.dumps(POSTING))

    def _get(self, token: str, operation: str, *, unless: str = "") -> Answer:
        # It may have been claimed since it had that tag: then there is something new.
        expected = (200, 304) if unless else (200,)
        return self._ask("GET", f"operations/{operation}/", token, *expected, if_none_match=unless)

    def _ask(
        self,
        method: str,
        path: str,
        token: str,
        *expected: int,
        body: str | None = None,
        if_none_match: str = "",
    ) -> Answer:
        headers = {
            "Authorization": f"Token {token}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
            **({"If-None-Match": if_none_match} if if_none_match else {}),
        }
        began = time.perf_counter()
        self._connection.request(method, f"/api/v1/{path}", body, headers)
        response = self._connection.getresponse()
        text = response.read()
        took = 1000 * (time.perf_counter() - began)
        if response.status not in expected:
            raise SystemExit(f"{method} {path} answered {response.status}: {text[:500]!r}")
        return took, json.loads(text) if text else None, response.getheader("ETag", "")


def _cost(
    server: subprocess.Popen[bytes], requests: Sequence[Callable[[], Answer]]
) -> tuple[float, list[Answer]]:
    before = processes.cpu_seconds([server.pid])
    answers = [ask() for ask in requests]
    used = processes.cpu_seconds([server.pid]) - before
    return round(1000 * used / len(requests), 3), answers


@contextlib.contextmanager
def web_server(
    run: Run, command: Sequence[str]
) -> Iterator[tuple[subprocess.Popen[bytes], HTTPConnection]]:
    log = Path(run.directory) / "web.log"
    server = processes.start(command, run.environment(), log)
    connection = HTTPConnection("127.0.0.1", run.web_port, timeout=30)
    try:
        wait_until(lambda: server.poll() is not None or _accepts(connection))
        yield server, connection
    finally:
        connection.close()
        processes.stop([server])


def _accepts(connection: HTTPConnection) -> bool:
    try:
        connection.connect()
    except OSError:
        return False
    return True


def _token(number: int) -> str:
    user = get_user_model().objects.create_user(f"person{number}")
    return str(AuthToken.objects.create(user)[1])


def _enqueue(machine: Machine, count: int) -> None:
    job_ids, _ = make_jobs(count)
    machine.side.enqueue(job_ids)
    settle_database()


def _running() -> int:
    return Operation.objects.filter(status="running").count()


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("waited in vain: see web.log and workers.log")
        time.sleep(0.05)

"""What surrounds an installation fails, a row at a time, and somebody stands at each door.

The installation is production's at its defaults (limits on), on a PostgreSQL and a Redis that the
test starts and hurts. Each row says what people get, the longest they wait, and what readiness
says; afterwards everything has to go on by itself.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import unescape
from typing import Any

import psycopg
import pytest
from django.conf import settings

from config.rsgi import THREADS
from config.tests import installation as at
from config.tests.installation import (
    BACK_WITHIN_SECONDS,
    PASSWORD,
    STAFF,
    Browser,
    Installation,
    api,
    free_port,
    move_in,
    nothing,
    on_redis,
    wait_for,
)
from config.tests.production import Production
from interview_app.tests.samples import STRONG_ANSWER
from operations.tests.private_postgresql import PrivatePostgreSQL
from operations.tests.private_redis import PrivateRedis

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.timeout(300),
]

NOT_DATABASE_SECONDS = 3.0
QUICKLY_SECONDS = 3.0
AFTER_THE_LOCKS_SECONDS = 12.0
"""Two are waited for, for 5 s at most each: that of the same person's other request, and the one
that is held."""

SAVED, REFUSED, READ = "saved", "refused", "reads only"
"""What people get: everything; 503 at each door; 503 where something is to be written."""


@dataclass(frozen=True)
class Row:
    begin: Callable[[Installation], None]
    end: Callable[[Installation], None]
    people: str
    readiness: str
    longest_seconds: float


TABLE = {
    "Redis stopped": Row(
        on_redis(PrivateRedis.kill),
        on_redis(PrivateRedis.start),
        SAVED,
        "degraded",
        NOT_DATABASE_SECONDS,
    ),
    "Redis hung": Row(
        on_redis(PrivateRedis.hang),
        on_redis(PrivateRedis.go_on),
        SAVED,
        "degraded",
        NOT_DATABASE_SECONDS,
    ),
    "Redis out of memory": Row(
        on_redis(PrivateRedis.fill),
        on_redis(PrivateRedis.make_room),
        SAVED,
        "degraded",
        NOT_DATABASE_SECONDS,
    ),
    "Redis flushed": Row(on_redis(PrivateRedis.flush), nothing, SAVED, "ok", NOT_DATABASE_SECONDS),
    "supervisor killed": Row(
        at.kill_supervisor, at.start_supervisor, SAVED, "ok or degraded", NOT_DATABASE_SECONDS
    ),
    "database reads only after a fail-over": Row(
        at.fail_over_to_a_reader, at.let_it_write, READ, "unavailable", QUICKLY_SECONDS
    ),
    "database stopped": Row(
        at.stop_database, at.start_database, REFUSED, "unavailable", QUICKLY_SECONDS
    ),
    "database out of connections": Row(
        at.take_connections, at.give_connections, REFUSED, "unavailable", QUICKLY_SECONDS
    ),
    "lock held in the database": Row(
        at.hold_lock, at.let_lock_go, READ, "unavailable", AFTER_THE_LOCKS_SECONDS
    ),
    "disk of the database full": Row(
        at.fill_disk, at.empty_disk, READ, "unavailable", QUICKLY_SECONDS
    ),
}


@pytest.fixture(scope="module")
def it(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with PrivatePostgreSQL() as server, PrivateRedis() as redis:
        server.execute("CREATE ROLE practice LOGIN")
        server.execute("CREATE DATABASE practice OWNER practice")
        variables = {
            "DATABASE_URL": server.url("practice").replace("postgres@", "practice@"),
            "REDIS_URL": redis.url,
            "REGISTRATION_OPEN": "true",
        }
        directory = tmp_path_factory.mktemp("production")
        production = Production(directory, free_port(), variables)
        try:
            production.start(worker=True)
            production.run("manage.py", "shell", "-v", "0", "-c", STAFF)
            production.processes.append(production.processes.pop(2))
            installation = Installation(server, redis, production)
            move_in(installation)
            yield installation
        finally:
            production.stop()


@dataclass
class Door:
    """What somebody got there, and how long it took."""

    status: int
    seconds: float
    body: str

    @classmethod
    def opened(cls, go: Callable[[], tuple[int, str]]) -> Door:
        began = time.monotonic()
        status, body = go()
        return cls(status, time.monotonic() - began, body)


def answer(name: str) -> str:
    return f"{STRONG_ANSWER} [{name}]"


def at_every_door(it: Installation, row: str) -> dict[str, Door]:
    person, staff = it.people["person"], it.people["staff"]
    stranger = Browser(it.production.port)
    stranger.get("/sign-in/")
    page, program = next(it.questions), next(it.questions)
    operation = api(it, "GET", "operations/").data["results"][0]["id"]
    person.get(f"/questions/{page}/")

    TABLE[row].begin(it)

    def over_the_api() -> tuple[int, str]:
        text = {"text": answer(f"api: {row}")}
        reply = api(it, "POST", f"questions/{program}/answer/", text, Idempotency_Key=program)
        return reply.status, reply.body.decode()

    def one_operation() -> tuple[int, str]:
        reply = api(it, "GET", f"operations/{operation}/")
        return reply.status, reply.body.decode()

    doors: dict[str, Callable[[], tuple[int, str]]] = {
        "page: an answer": lambda: person.send(
            f"/questions/{page}/", text=answer(f"page: {row}"), then="stay"
        ),
        "API: an answer": over_the_api,
        "sign-in": lambda: stranger.send("/sign-in/", username="mara", password=PASSWORD),
        "API: an operation": one_operation,
        "admin: the list": lambda: staff.look("/admin/operations/operation/"),
    }
    with ThreadPoolExecutor() as people:
        opened = list(people.map(Door.opened, doors.values()))
    return dict(zip(doors, opened, strict=True)) | {"command": Door.opened(lambda: command(it))}


def command(it: Installation) -> tuple[int, str]:
    """`retry_operations` as an operator types it: 0 and 3 (nothing matched) are an answer."""
    ended = subprocess.run(
        [sys.executable, "manage.py", "retry_operations", "--category", "network", "--json"],
        cwd=settings.BASE_DIR,
        env=it.production.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return (200 if ended.returncode in (0, 3) else 503), ended.stdout + ended.stderr


WRITES = ("page: an answer", "API: an answer", "sign-in")


def expected_status(row: Row, door: str) -> tuple[int, ...]:
    if row.people == SAVED or (row.people == READ and door not in WRITES):
        return (200, 201)
    return (503,)


@pytest.mark.parametrize("name", TABLE)
def test_row(name: str, it: Installation) -> None:
    row = TABLE[name]
    said_before = len(it.production.log.read_text())

    doors = at_every_door(it, name)
    ready = it.production.ask("GET", "/readyz")
    row.end(it)
    ended = time.monotonic()

    for door, got in doors.items():
        assert got.status in expected_status(row, door), (door, got)
        # A command's process takes its time to start.
        assert door == "command" or got.seconds < row.longest_seconds, (door, got.seconds)
    assert ready.data["status"] in row.readiness, ready.data
    assert ready.status == (503 if row.readiness == "unavailable" else 200)
    assert "Traceback" not in doors["command"].body
    if row.people != SAVED:
        assert answer(f"page: {name}") in unescape(doors["page: an answer"].body)
    came_back(it, name)
    assert time.monotonic() - ended < BACK_WITHIN_SECONDS
    said = it.production.log.read_text()[said_before:]
    assert "Traceback" not in said
    assert '"exception"' not in said
    for door in ("page", "API"):
        if row.people == SAVED:
            it.confirmed.append(answer(f"{door.lower()}: {name}"))


def came_back(it: Installation, name: str) -> None:
    """Everybody may write again, what was saved is worked on, readiness says so."""
    question = next(it.questions)
    text = answer(f"afterwards: {name}")

    def is_saved() -> bool:
        reply = api(
            it, "POST", f"questions/{question}/answer/", {"text": text}, Idempotency_Key=question
        )
        return bool(reply.status == 201)

    wait_for(is_saved)
    it.confirmed.append(text)
    wait_for(lambda: it.production.ask("GET", "/readyz").data["status"] == "ok")
    wait_for(lambda: not unfinished(it))
    # No thread of the web server keeps a connection that only reads.
    tries = [api(it, "PUT", "me/resume/", {"text": STRONG_ANSWER}) for _ in range(2 * THREADS)]
    assert {each.status for each in tries} == {200}


def unfinished(it: Installation) -> list[Any]:
    return [
        each
        for each in api(it, "GET", "operations/?page_size=100").data["results"]
        if each["status"] in ("pending", "running")
    ]


def test_nothing_is_lost_and_nothing_doubled(it: Installation) -> None:
    """Of all rows above: every confirmed answer is stored word for word, once."""
    with psycopg.connect(it.server.url("practice")) as connection:
        stored = Counter(
            text for (text,) in connection.execute("SELECT text FROM interview_app_answer")
        )

    assert it.confirmed
    assert {text: stored[text] for text in it.confirmed} == dict.fromkeys(it.confirmed, 1)
    assert max(stored.values()) == 1

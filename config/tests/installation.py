"""An installation as production has it, on servers of its own, and what can be done to them."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlencode, urljoin

import psycopg

from config.tests.production import Production
from config.tests.visitor import Visitor
from operations.tests.private_postgresql import PrivatePostgreSQL
from operations.tests.private_redis import PrivateRedis

BACK_WITHIN_SECONDS = 15
PASSWORD = "three green bicycles in a row"
STAFF = f"""
from django.contrib.auth.models import User
User.objects.create_superuser("root", "", "{PASSWORD}")
"""
FULL_DISK = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END$$;
CREATE TRIGGER no_room BEFORE INSERT ON operations_operation EXECUTE FUNCTION no_room();
CREATE TRIGGER no_room BEFORE INSERT ON interview_app_answer EXECUTE FUNCTION no_room();
CREATE TRIGGER no_room BEFORE INSERT ON operations_limit EXECUTE FUNCTION no_room();
CREATE TRIGGER no_room BEFORE INSERT ON django_session EXECUTE FUNCTION no_room();
"""


class Browser(Visitor):
    def send(self, path: str, **form: str) -> tuple[int, str]:
        """A form that was opened before: its page is not asked for again."""
        token = next(cookie.value for cookie in self.cookies if cookie.name == "csrftoken")
        body = urlencode({"csrfmiddlewaretoken": token, **form}).encode()
        request = urllib.request.Request(urljoin(self.base, path), body)  # noqa: S310
        page = self._open(request)
        return page.status, page.html

    def look(self, path: str) -> tuple[int, str]:
        page = self.get(path)
        return page.status, page.html


@dataclass
class Installation:
    server: PrivatePostgreSQL
    redis: PrivateRedis
    production: Production
    questions: Iterator[str] = field(default_factory=lambda: iter(()))
    token: str = ""
    confirmed: list[str] = field(default_factory=list)
    holder: psycopg.Connection[Any] | None = None
    people: dict[str, Browser] = field(default_factory=dict)

    def execute(self, *statements: str) -> None:
        with psycopg.connect(self.server.url("practice"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def cut(self) -> None:
        self.server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'practice'"
        )

    @property
    def worker(self) -> subprocess.Popen[bytes]:
        return self.production.processes[-1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def api(it: Installation, method: str, path: str, body: Any = None, **headers: str) -> Any:
    given: Any = headers | ({"Authorization": f"Token {it.token}"} if it.token else {})
    return it.production.ask(method, f"/api/v1/{path}", body, **given)


def move_in(it: Installation) -> None:
    """A person with a session for every row, so that each answer has a question of its own."""
    account = {"username": "mara", "email": "mara@example.org", "password": PASSWORD}
    it.token = api(it, "POST", "auth/register/", account).data["token"]
    questions: list[str] = []
    sessions = []
    for _ in range(3):
        made = api(it, "POST", "sessions/", {"role": "Night operator", "question_count": 10})
        sessions.append(made.data["id"])
    for session in sessions:
        found = wait_for(partial(questions_of, it, session))
        questions += [question["id"] for question in found]
    it.questions = iter(questions)
    it.people = {"person": Browser(it.production.port), "staff": Browser(it.production.port)}
    it.people["person"].post("/sign-in/", username="mara", password=PASSWORD)
    it.people["staff"].post("/admin/login/", username="root", password=PASSWORD, next="/admin/")


def questions_of(it: Installation, session: str) -> Any:
    return api(it, "GET", f"sessions/{session}/").data["questions"]


def wait_for(ask: Callable[[], Any], seconds: float = BACK_WITHIN_SECONDS) -> Any:
    end = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < end, "it did not come back in time"
        time.sleep(0.1)
    return answer


def stop_database(it: Installation) -> None:
    it.server.stop_at_once()


def start_database(it: Installation) -> None:
    it.server.start()


def fail_over_to_a_reader(it: Installation) -> None:
    it.server.execute("ALTER DATABASE practice SET default_transaction_read_only = on")
    it.cut()


def let_it_write(it: Installation) -> None:
    """Those who are connected by now go on reading only: they have to leave by themselves."""
    it.server.execute("ALTER DATABASE practice RESET default_transaction_read_only")


def take_connections(it: Installation) -> None:
    it.server.execute("ALTER ROLE practice CONNECTION LIMIT 0")
    it.cut()


def give_connections(it: Installation) -> None:
    it.server.execute("ALTER ROLE practice CONNECTION LIMIT -1")


def hold_lock(it: Installation) -> None:
    it.holder = psycopg.connect(it.server.url("practice"))
    it.holder.execute(
        "LOCK TABLE operations_operation, interview_app_answer, django_session IN EXCLUSIVE MODE"
    )


def let_lock_go(it: Installation) -> None:
    assert it.holder is not None
    it.holder.close()


def fill_disk(it: Installation) -> None:
    """Simulated: the server says what it says when a file cannot grow."""
    it.execute(FULL_DISK)


def empty_disk(it: Installation) -> None:
    it.execute("DROP FUNCTION no_room CASCADE")


def kill_supervisor(it: Installation) -> None:
    it.worker.kill()
    it.worker.wait()


def start_supervisor(it: Installation) -> None:
    """As systemd does, or `up`."""
    it.production.processes.remove(it.worker)
    it.production._run(["manage.py", "operations_worker"])


def on_redis(act: Callable[[PrivateRedis], None]) -> Callable[[Installation], None]:
    return lambda it: act(it.redis)


def nothing(_: Installation) -> None:
    return

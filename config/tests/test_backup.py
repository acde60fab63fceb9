"""A backup of a running installation, restored in another place, by the commands of
docs/production.md: every answer is there, and what was unfinished goes on."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from config.tests.production import Production, end_all
from interview_app.tests.samples import STRONG_ANSWER
from operations.tests.ports import free_port
from operations.tests.private_postgresql import PrivatePostgreSQL, binaries

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PATIENCE_SECONDS = 90
OWN_KEY = "sk-proj-of-mara-herself-and-nobody-else"
KEEP_A_KEY = f"""
from django.contrib.auth.models import User
from django.utils import timezone
from operations.encryption import encrypt
from operations.models import OwnKey
someone = User.objects.create_user("someone")
OwnKey.objects.create(owner=someone, encrypted=encrypt("{OWN_KEY}"), saved_at=timezone.now())
"""
READ_THE_KEY = f"""
from operations.encryption import decrypt
from operations.models import OwnKey
assert decrypt(OwnKey.objects.get().encrypted) == "{OWN_KEY}"
"""


def commands() -> list[str]:
    """Of the page's section: dump and copy, restore of either."""
    page = (Path(settings.BASE_DIR) / "docs" / "production.md").read_text(encoding="utf-8")
    section = page.partition("## Back up and restore")[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def follow(command: str, **variables: str) -> None:
    programs = [os.environ["PATH"], *([str(binaries())] if binaries() else [])]
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        env={"PATH": ":".join(programs), **variables},
        check=True,
    )


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Production]]:
    """Two installations that know nothing of each other but their keys."""
    if request.param == "sqlite":
        yield [place(tmp_path / name) for name in ("old", "new")]
        return
    with PrivatePostgreSQL() as server:
        for name in ("old", "new"):
            server.execute(f"CREATE DATABASE {name}")
        yield [
            place(tmp_path / name, DATABASE_URL=server.url(name), OPERATIONS_WORKERS="1")
            for name in ("old", "new")
        ]


def place(directory: Path, **variables: str) -> Production:
    directory.mkdir()
    given = {
        "DATABASE_URL": f"sqlite:///{directory / 'db.sqlite3'}",
        "REGISTRATION_OPEN": "true",
        "OPERATIONS_LEASE_SECONDS": "3",
        **variables,
    }
    return Production(directory, free_port(), given)


def wait_for(condition: Callable[[], Any], at: Production) -> Any:
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, at.log.read_text()[-4000:]
        time.sleep(0.2)
    return found


def ask(at: Production, token: str, method: str, path: str, body: Any = None) -> Any:
    headers: Any = {"Authorization": f"Token {token}"}
    reply = at.ask(method, f"/api/v1/{path}", body, **headers)
    assert reply.status in (200, 201, 202), reply.body
    return reply.data


def statuses(at: Production, token: str) -> list[str]:
    return sorted(each["status"] for each in ask(at, token, "GET", "operations/")["results"])


def test_restored_installation_has_every_answer_and_goes_on(places: list[Production]) -> None:
    old, new = places
    try:
        token, session = work(old)
        assert statuses(old, token) == ["completed", "completed", "pending", "running"]

        back_up_and_restore(old, new)
        old.stop()
        new.start(worker=True)

        after = f"sessions/{session['id']}/"
        wait_for(lambda: statuses(new, token) == ["completed"] * 4, new)
        questions = ask(new, token, "GET", after)["questions"]
        assert [each["answer"]["text"] for each in questions] == answers()
        assert all(each["feedback"] for each in questions)
        new.run("manage.py", "shell", "-v", "0", "-c", READ_THE_KEY)
    finally:
        for each in places:
            each.stop()


def answers() -> list[str]:
    return [f"{STRONG_ANSWER} That was number {number}." for number in range(3)]


def work(at: Production) -> tuple[str, Any]:
    """One answer with its feedback; of two more one is being analysed, by a provider that takes
    its time, and one waits."""
    at.start(worker=True)
    at.run("manage.py", "shell", "-v", "0", "-c", KEEP_A_KEY)
    account = {"username": "mara", "email": "mara@example.org", "password": "three green bicycles"}
    token = at.ask("POST", "/api/v1/auth/register/", account).data["token"]
    session = ask(at, token, "POST", "sessions/", {"role": "Ferry master", "question_count": 3})
    path = f"sessions/{session['id']}/"
    questions = wait_for(lambda: ask(at, token, "GET", path)["questions"], at)
    first, *others = [
        (f"questions/{question['id']}/answer/", {"text": text})
        for question, text in zip(questions, answers(), strict=True)
    ]
    ask(at, token, "POST", *first)
    wait_for(lambda: statuses(at, token) == ["completed"] * 2, at)

    end_all([at.processes.pop(2)], within_seconds=20)
    slow = {"SIMULATED_LATENCY_SECONDS": "100", "OPERATIONS_CONCURRENCY": "1"}
    at.variables = {**at.variables, **slow}
    at.start_worker()
    for each in others:
        ask(at, token, "POST", *each)
    wait_for(lambda: "running" in statuses(at, token), at)
    return token, session


def back_up_and_restore(old: Production, new: Production) -> None:
    dump, copy, restore, put_back = commands()
    backup = str(old.directory / "backup")
    if old.database_url.startswith("postgres"):
        follow(dump, BACKUP=backup, DATABASE_URL=old.variables["DATABASE_URL"])
        follow(restore, BACKUP=backup, DATABASE_URL=new.variables["DATABASE_URL"])
    else:
        follow(copy, BACKUP=backup, FILE=str(old.database))
        follow(put_back, BACKUP=backup, FILE=str(new.database))

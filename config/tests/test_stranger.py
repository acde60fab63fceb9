"""docs/production.md as it stands, by somebody who knows nothing else: from nothing to a first
practice on other addresses, one web process killed while people work, and all of it replaced by a
new version in turn.

The tree is a copy, so that nothing of this one helps; PostgreSQL and Redis are the test's own, the
pages answer at two addresses, and only the workers know the provider's key.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from django.conf import settings

from config.tests.new_version import put_over
from config.tests.production import end_all
from interview_app.models import MAX_ANSWERS
from operations.tests.fault_server import FaultServer
from operations.tests.ports import free_port
from operations.tests.private_postgresql import PrivatePostgreSQL
from operations.tests.private_redis import PrivateRedis

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.timeout(400),
]

DOCS = Path(settings.BASE_DIR) / "docs"
COMMANDS = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
UNIT = re.compile(r"^Environment=(ENV_FILE=\S+)\nExecStart=/srv/practice/(.+)$", re.MULTILINE)
UNITS = Path(settings.BASE_DIR) / "deploy" / "systemd"
HERE, THERE = "127.0.0.2", "127.0.0.3"
PASSWORD = "three green bicycles in a row"
READY_SECONDS = 60.0
LEFT_OUT = shutil.ignore_patterns(
    ".git",
    ".venv",
    ".local",
    ".env",
    ".*_cache",
    ".hypothesis",
    "__pycache__",
    "staticfiles",
    "bench",
)

PEOPLE = 4
LOAD_SECONDS = 6.0
"""The web server is given its time to start the dead process again."""
GAP_SECONDS = 1.0
KILLS = 4


@dataclass
class Stranger:
    """Where they installed it, what they chose, and the programs that they started."""

    place: Path
    variables: dict[str, str]
    programs: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.variables["PORT"])

    @property
    def log(self) -> Path:
        return self.place / "programs.log"

    def type(self, commands: str, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self.place,
            env={**self.variables, **variables},
            capture_output=True,
            text=True,
            timeout=120,
        )
        log = self.log.read_text() if self.log.exists() else ""
        assert done.returncode == 0, (commands, done.stdout, done.stderr, log[-4000:])
        return done

    def start(self, unit: tuple[str, str], **variables: str) -> None:
        """As systemd does."""
        environment, command = unit
        name, _, value = environment.partition("=")
        with self.log.open("ab") as log:
            program = subprocess.Popen(
                command.split(),
                cwd=self.place,
                env={"PATH": os.environ["PATH"], name: value, **variables},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.programs.append(program)

    def stop(self) -> None:
        end_all(self.programs, within_seconds=35)


@pytest.fixture(scope="module")
def page() -> str:
    return (DOCS / "production.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def stranger(page: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stranger]:
    """Up to the end of the page's commands; the last block needs the programs."""
    place = tmp_path_factory.mktemp("stranger") / "practice"
    shutil.copytree(settings.BASE_DIR, place, ignore=LEFT_OUT)
    (place / ".venv").symlink_to(sys.prefix)
    with FaultServer() as provider, PrivatePostgreSQL() as server, PrivateRedis() as redis:
        server.execute("CREATE ROLE practice LOGIN")
        server.execute("CREATE DATABASE practice OWNER practice")
        chosen = {
            "PATH": os.environ["PATH"],
            "BIND": HERE,
            "PORT": str(free_port()),
            "HOSTS": f"{HERE},{THERE}",
            "PROXIES": "0",
            "DATABASE": server.url("practice").replace("postgres@", "practice@"),
            "REDIS": redis.url,
            "PROVIDER_KEY": "sk-proj-a-key-for-tests-only",
            "PROVIDER_URL": f"http://127.0.0.1:{provider.port}/v1",
        }
        it = Stranger(place, chosen)
        try:
            follow(page, it)
            yield it
        finally:
            it.stop()


def follow(page: str, it: Stranger) -> None:
    *before, look = COMMANDS.findall(page)
    asked = [each for each in before if "createsuperuser" in each]
    it.type("\n".join(each for each in before if each not in asked))
    # What a person types when they are asked.
    it.type(
        f"{asked[0].strip()} --no-input", DJANGO_SUPERUSER_PASSWORD=PASSWORD, DJANGO_DEBUG="false"
    )
    web, worker = (unit(name) for name in ("web", "worker"))
    it.start(web)
    it.start(web, BIND=THERE)
    it.start(worker)
    wait_until(lambda: is_ready(it, HERE) and is_ready(it, THERE), it)
    assert '"status": "ok"' in it.type(f"{before[0]}\n{look}").stdout


def unit(name: str) -> tuple[str, str]:
    found = UNIT.search((UNITS / f"practice-{name}.service").read_text())
    assert found is not None
    return found.group(1), found.group(2)


def is_ready(it: Stranger, address: str) -> bool:
    try:
        reply = ask(it, "GET", "/readyz", address=address)
    except OSError:
        return False
    return bool(reply[0] == 200 and reply[1]["status"] == "ok")


def ask(
    it: Stranger,
    method: str,
    path: str,
    body: object = None,
    *,
    address: str = HERE,
    token: str = "",
    key: str = "",
) -> tuple[int, Any]:
    """One request on a connection of its own: status and JSON. Raises OSError."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Token {token}"
    if key:
        headers["Idempotency-Key"] = key
    connection = http.client.HTTPConnection(address, it.port, timeout=20)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"null")
    except http.client.HTTPException as broken:
        raise OSError(str(broken)) from None
    finally:
        connection.close()


def token_of(it: Stranger, username: str, password: str) -> str:
    account = {"username": username, "password": password}
    status, said = ask(it, "POST", "/api/v1/auth/login/", account)
    assert status == 200, said
    token: str = said["token"]
    return token


def test_the_page_leads_to_a_first_practice(stranger: Stranger) -> None:
    """The commands of api.md, at the stranger's address and with answers of their provider."""
    commands = COMMANDS.findall((DOCS / "api.md").read_text(encoding="utf-8"))

    stranger.type("\n".join(commands), BASE=f"http://{HERE}:{stranger.port}/api/v1")

    session = json.loads((stranger.place / "session.json").read_text())
    assert (session["status"], session["simulated"]) == ("finished", False)
    assert session["summary"]["text"]
    token = token_of(stranger, "carol", "three green bicycles")
    path = f"/api/v1/sessions/{session['id']}/"
    assert ask(stranger, "GET", path, token=token, address=THERE)[1]["status"] == "finished"


def test_the_account_of_the_page_is_an_operators(stranger: Stranger) -> None:
    token = token_of(stranger, "operator", PASSWORD)

    assert ask(stranger, "GET", "/api/v1/operations/stats/", token=token)[0] == 200


def test_the_pages_do_not_know_the_providers_key(stranger: Stranger) -> None:
    web, there, worker = (process_variables(program.pid) for program in stranger.programs)

    assert "sk-proj" not in (stranger.place / "web.env").read_text()
    assert "OPENAI_API_KEY" not in web | there | worker, "files have it, no process list"
    assert (stranger.place / "worker.env").stat().st_mode & 0o077 == 0


def process_variables(pid: int) -> dict[str, str]:
    raw = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(each.split("=", 1) for each in raw if "=" in each)


@dataclass
class Load:
    """People who work until they are told to stop; each request is sent again as a client should:
    after a 503, or where the connection broke, with the same idempotency key, and at the next
    address if there are more."""

    it: Stranger
    token: str
    questions: list[str]
    addresses: tuple[str, ...] = (HERE,)
    pause_seconds: float = 1.0
    stop: threading.Event = field(default_factory=threading.Event)
    answered_at: list[float] = field(default_factory=list)
    failed: list[object] = field(default_factory=list)
    sent_again: int = 0
    saved: list[str] = field(default_factory=list)

    def work(self, number: int) -> None:
        """Questions of their own, each answered as often as it may be; then they only look."""
        places = [place for place in self.questions[number::PEOPLE] for _ in range(MAX_ANSWERS)]
        for place in itertools.chain(places, itertools.repeat("")):
            if self.stop.is_set():
                return
            text = f"I mended the ledger, time {number} {uuid.uuid4()}."
            path = f"/api/v1/questions/{place}/answer/"
            if place and self._send("POST", path, {"text": text}, key=str(uuid.uuid4())):
                self.saved.append(text)
            self._send("GET", "/api/v1/sessions/")
            self.stop.wait(self.pause_seconds)

    def longest_gap(self) -> float:
        """Seconds in which nobody at all was answered."""
        pairs = zip(self.answered_at, self.answered_at[1:], strict=False)
        return max(later - sooner for sooner, later in pairs)

    def _send(self, method: str, path: str, body: object = None, key: str = "") -> bool:
        status: object = None
        for turn in range(5):
            address = self.addresses[turn % len(self.addresses)]
            try:
                status, _said = ask(
                    self.it, method, path, body, address=address, token=self.token, key=key
                )
            except OSError as broken:
                status = repr(broken)
            if status in (200, 201):
                self.answered_at.append(time.monotonic())
                return True
            if isinstance(status, int) and status != 503:
                break
            self.sent_again += 1
            time.sleep(0.2)
        self.failed.append((method, path, status))
        return False


def test_killing_one_web_process_fails_nobody(stranger: Stranger) -> None:
    token = token_of(stranger, "carol", "three green bicycles")
    gaps: list[float] = []

    # A busy neighbour slows everything for a while: then once more.
    while not gaps or (min(gaps) > GAP_SECONDS and len(gaps) < KILLS):
        # Others each time: of each all answers may have been given.
        questions = new_questions(stranger, token)
        load = Load(stranger, token, questions, pause_seconds=0.3)
        kill_one_under(load)
        gaps.append(load.longest_gap())
        assert load.failed == []
        assert load.sent_again <= PEOPLE, "what was in the dead process, and nothing after it"
        stored = stored_answers(stranger, token, questions)
        assert sorted(set(stored) & set(load.saved)) == sorted(load.saved)
        assert len(stored) == len(set(stored)), "once each"

    assert min(gaps) <= GAP_SECONDS, gaps


def test_new_version_in_turn_fails_nobody(page: str, stranger: Stranger) -> None:
    """Its code beside what runs, then its migrations, then pages and workers, one by one."""
    account = {"username": "dave", "email": "dave@example.org", "password": PASSWORD}
    token = ask(stranger, "POST", "/api/v1/auth/register/", account)[1]["token"]
    questions = new_questions(stranger, token)
    loads = [
        # Within what one person may start, and not through with all answers before the end.
        Load(stranger, token, questions, addresses=addresses, pause_seconds=2.5)
        for addresses in ((HERE, THERE), (THERE, HERE))
    ]

    with working(*loads), psycopg.connect(stranger.variables["DATABASE"], autocommit=True) as rows:
        put_over(stranger.place)
        stranger.type(one_command(page, "migrate"))
        wait_for_more(stranger, rows, OF_OLD_CODE)
        for number, bind in enumerate((HERE, THERE)):
            replace(stranger, number, unit("web"), BIND=bind)
            wait_until(partial(is_ready, stranger, bind), stranger)
            wait_for_more(stranger, rows, OF_NEW_CODE)
        replace(stranger, 2, unit("worker"))
        wait_for_more(stranger, rows, OF_NEW_CODE)
        assert count(rows, UNREAD) == 0

    assert [load.failed for load in loads] == [[], []]
    saved = [text for load in loads for text in load.saved]
    stored = stored_answers(stranger, token, questions)
    assert len(saved) > 20, "enough was asked meanwhile"
    assert sorted(set(stored) & set(saved)) == sorted(saved)
    assert len(stored) == len(set(stored)), "once each"


OF_OLD_CODE = "SELECT count(*) FROM interview_app_answer WHERE version IS NULL AND times_read = 0"
OF_NEW_CODE = "SELECT count(*) FROM interview_app_answer WHERE version = 'new' AND times_read = 1"
UNREAD = """SELECT count(*) FROM interview_app_answer
WHERE version = 'new' AND id NOT IN (SELECT answer_id FROM interview_app_reading)"""


def one_command(page: str, name: str) -> str:
    (line,) = (
        line for block in COMMANDS.findall(page) for line in block.splitlines() if name in line
    )
    return line


def count(rows: psycopg.Connection[Any], query: LiteralString) -> int:
    found = rows.execute(query).fetchone()
    assert found is not None
    return int(found[0])


def wait_for_more(
    it: Stranger, rows: psycopg.Connection[Any], query: LiteralString, more: int = 4
) -> None:
    before = count(rows, query)
    wait_until(lambda: count(rows, query) >= before + more, it)


def replace(it: Stranger, number: int, given: tuple[str, str], **variables: str) -> None:
    """As `systemctl restart`: the old one ends in order before the new one starts."""
    old = it.programs[number]
    old.terminate()
    assert old.wait(40) == 0
    it.start(given, **variables)
    it.programs.insert(number, it.programs.pop())
    del it.programs[number + 1]


def wait_until(condition: Callable[[], bool], it: Stranger) -> None:
    end = time.monotonic() + READY_SECONDS
    while not condition():
        assert time.monotonic() < end, it.log.read_text()[-4000:]
        time.sleep(0.2)


@contextlib.contextmanager
def working(*loads: Load) -> Iterator[None]:
    """Each person with a question of their own; they stop when the block is left."""
    people = [
        threading.Thread(target=loads[number % len(loads)].work, args=(number,))
        for number in range(PEOPLE)
    ]
    for person in people:
        person.start()
    try:
        yield
    finally:
        for load in loads:
            load.stop.set()
        for person in people:
            person.join()


def kill_one_under(load: Load) -> None:
    """Two serve before, and two afterwards, of which one is new."""
    before = web_processes(load.it)
    with working(load):
        time.sleep(LOAD_SECONDS / 3)
        os.kill(before[0], signal.SIGKILL)
        time.sleep(LOAD_SECONDS * 2 / 3)
    end = time.monotonic() + 30
    while len(after := set(web_processes(load.it)) - {before[0]}) < len(before) == 2:
        assert time.monotonic() < end, "the dead process was not started again"
        time.sleep(0.2)
    assert before[1] in after


def new_questions(it: Stranger, token: str) -> list[str]:
    body = {"role": "Ledger engineer", "question_count": 2 * PEOPLE}
    session = ask(it, "POST", "/api/v1/sessions/", body, token=token)[1]["id"]
    end = time.monotonic() + 30
    while not (
        questions := ask(it, "GET", f"/api/v1/sessions/{session}/", token=token)[1]["questions"]
    ):
        assert time.monotonic() < end, it.log.read_text()[-4000:]
        time.sleep(0.2)
    return [question["id"] for question in questions]


def stored_answers(it: Stranger, token: str, questions: list[str]) -> list[str]:
    sessions = ask(it, "GET", "/api/v1/sessions/", token=token)[1]["results"]
    return [
        answer["text"]
        for session in sessions
        for question in ask(it, "GET", f"/api/v1/sessions/{session['id']}/", token=token)[1][
            "questions"
        ]
        if question["id"] in questions
        for answer in question["answers"]
    ]


def web_processes(it: Stranger) -> list[int]:
    """Those that answer at the first address, without the one that watches over them."""
    main = it.programs[0].pid
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    return [
        int(pid)
        for pid in children
        if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]

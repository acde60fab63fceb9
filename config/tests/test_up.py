from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from config import keeper
from config.children import RESTARTS, Children
from config.management.commands.up import binding_fault
from operations.workers.processes import is_alive, processes_with_environment

pytestmark = pytest.mark.timeout(180)

MARK = "INTERVIEW_PRACTICE_UP_TEST"


class Up:
    """`manage.py up` in a fresh copy of the project: own database, own `.local/`, own port."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self.mark = f"{os.getpid()}-{port}"
        self.log = directory / "stderr.log"
        self.process: subprocess.Popen[str] | None = None

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "DJANGO_DEBUG": "true",
            "PORT": str(self.port),
            "OPERATIONS_WORKERS": "1",
            "SIMULATED_LATENCY_SECONDS": "0",
            MARK: self.mark,
            **variables,
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", *arguments],
                cwd=self.directory,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        return self.process

    def lines_until_ready(self) -> list[str]:
        assert self.process is not None
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith(("Ready on", "{")):
                return lines
        raise AssertionError(self.log.read_text())

    def exit_code(self) -> int:
        assert self.process is not None
        self.process.communicate(timeout=60)
        return self.process.returncode

    def running(self) -> list[int]:
        return [pid for pid, mark in processes_with_environment(MARK) if mark == self.mark]

    def children(self, part: str) -> list[int]:
        """Living ones of `up` itself whose command line says so."""
        assert self.process is not None
        return [
            pid
            for pid in self.running()
            if is_alive(pid) and part in command_line(pid) and parent(pid) == self.process.pid
        ]

    def answers(self, path: str) -> bool:
        try:
            return self.get(path) == 200
        except OSError:
            return False

    def get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().status


def wait_until(is_done: Callable[[], bool], *, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not is_done() and time.monotonic() < deadline:
        time.sleep(0.1)
    return is_done()


@pytest.fixture
def up(tmp_path: Path, free_port: int) -> Iterator[Up]:
    copy = tmp_path / "project"
    shutil.copytree(
        settings.BASE_DIR,
        copy,
        ignore=shutil.ignore_patterns(".*", "staticfiles", "bench", "*.pyc.*"),
    )
    up = Up(copy, free_port)
    yield up
    if up.process is not None:
        # By its id: in the moment in which it hands over to its keeper it has no environment.
        up.process.kill()
    while running := up.running():
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    if up.process is not None:
        up.process.communicate()


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_port_in_use_is_noticed_before_anything_starts(busy_port: int) -> None:
    assert binding_fault("127.0.0.1", busy_port).startswith(f"Port {busy_port} is in use")


def test_address_of_another_machine_cannot_be_listened_on(free_port: int) -> None:
    assert "Cannot listen on 192.0.2.1" in binding_fault("192.0.2.1", free_port)


def test_free_port_has_no_fault(free_port: int) -> None:
    assert binding_fault("127.0.0.1", free_port) == ""


@pytest.mark.slow
def test_port_in_use_is_one_sentence_and_exit_code_2(up: Up, busy_port: int) -> None:
    up.start(PORT=str(busy_port))

    assert up.exit_code() == 2
    assert up.log.read_text().splitlines() == [
        f"Port {busy_port} is in use; choose another one: PORT={busy_port + 1} make run"
    ]
    assert not (up.directory / ".local" / "db.sqlite3").exists()


@pytest.mark.slow
def test_up_prints_accounts_then_ready_and_ctrl_c_leaves_nothing_running(up: Up) -> None:
    process = up.start()

    sign_in, admin, ready = up.lines_until_ready()
    status_of_the_first_page = up.get("/")
    process.send_signal(signal.SIGINT)

    assert re.fullmatch(r"Sign in: demo / \S{12,}", sign_in)
    assert re.fullmatch(r"Admin: admin / \S{12,}", admin)
    assert ready == f"Ready on http://127.0.0.1:{up.port}"
    assert status_of_the_first_page == 200
    assert up.exit_code() == 0
    assert up.running() == []
    assert "Traceback" not in up.log.read_text()


@pytest.mark.slow
def test_a_development_server_that_others_reach_says_so_once_at_its_start(up: Up) -> None:
    process = up.start(BIND="0.0.0.0")  # noqa: S104  (that is what it warns of)

    up.lines_until_ready()
    process.send_signal(signal.SIGINT)

    assert up.exit_code() == 0
    said = [line for line in up.log.read_text().splitlines() if line.startswith("DJANGO_DEBUG")]
    assert len(said) == 1
    assert "BIND=0.0.0.0 lets other machines in" in said[0]


@pytest.mark.slow
def test_single_commands_find_what_up_has_set_up(up: Up) -> None:
    up.start()
    up.lines_until_ready()

    listed = command(up, "list_operations", "--json")
    elsewhere = command(up, "list_operations", DATABASE_URL="sqlite:///elsewhere.sqlite3")
    worker = command(up, "operations_worker")
    strict = command(up, "check", DJANGO_DEBUG="false")

    assert (listed.returncode, listed.stderr) == (3, "Nothing matched.\n")
    for refused in (elsewhere, worker, strict):
        assert refused.returncode == 2
        assert "DJANGO_SECRET_KEY is not set" in refused.stderr


def command(up: Up, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """In a shell of its own, that knows nothing of how `up` was started."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=up.directory,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.slow
def test_second_start_has_the_same_accounts(up: Up) -> None:
    outputs = []
    for _ in range(2):
        process = up.start("--json")
        outputs.append(json.loads(up.lines_until_ready()[0]))
        process.send_signal(signal.SIGTERM)
        assert up.exit_code() == 0

    assert outputs[0] == outputs[1]
    assert [account["username"] for account in outputs[0]["accounts"]] == ["demo", "admin"]
    assert outputs[0]["url"] == f"http://127.0.0.1:{up.port}"


@pytest.mark.slow
def test_production_gets_no_accounts_and_collected_static_files(up: Up) -> None:
    up.start(
        DJANGO_DEBUG="false",
        DJANGO_SECRET_KEY="signs what is asked of this server alone",
        FIELD_ENCRYPTION_KEY=settings.FIELD_ENCRYPTION_KEY[0],
        DJANGO_ALLOWED_HOSTS="coach.example.org,127.0.0.1",
    )

    assert up.lines_until_ready() == [f"Ready on http://127.0.0.1:{up.port}"]
    assert (up.directory / "staticfiles" / "staticfiles.json").exists()
    assert up.get("/admin/login/") == 200


@pytest.mark.slow
def test_what_keeps_the_rest_running_holds_no_django(up: Up) -> None:
    process = up.start()
    up.lines_until_ready()

    assert wait_until(lambda: "config.keeper" in command_line(process.pid))
    (worker,) = up.children("operations_worker")
    extension = "cryptography/hazmat/bindings/_rust"
    assert extension in Path(f"/proc/{worker}/maps").read_text(), "what Django's settings load"
    assert extension not in Path(f"/proc/{process.pid}/maps").read_text()


@pytest.mark.slow
def test_kill_9_of_up_takes_web_server_and_workers_with_it(up: Up) -> None:
    process = up.start(OPERATIONS_SHUTDOWN_GRACE_SECONDS="2")
    up.lines_until_ready()

    process.kill()

    assert wait_until(lambda: up.running() == []), up.log.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "name"), [("config.webserver", "web server"), ("operations_worker", "worker")]
)
def test_part_that_dies_is_started_again_and_the_rest_goes_on(part: str, name: str, up: Up) -> None:
    process = up.start(OPERATIONS_SHUTDOWN_GRACE_SECONDS="2")
    up.lines_until_ready()
    (first,) = up.children(part)

    os.kill(first, signal.SIGKILL)

    if part != "config.webserver":
        assert up.get("/") == 200, "pages go on"
    assert wait_until(lambda: up.children(part) not in ([], [first]))
    assert wait_until(lambda: up.answers("/"))
    assert f"The {name} ended unexpectedly (signal 9); starting it again." in up.log.read_text()
    process.send_signal(signal.SIGINT)
    assert up.exit_code() == 0
    assert wait_until(lambda: not any(map(is_alive, up.running())))


@pytest.mark.slow
def test_worker_that_dies_again_and_again_is_told_while_pages_go_on(up: Up) -> None:
    up.start(OPERATIONS_SHUTDOWN_GRACE_SECONDS="2")
    up.lines_until_ready()
    killed: list[int] = []
    while len(killed) <= RESTARTS:
        assert wait_until(lambda: up.children("operations_worker") not in ([], killed[-1:]))
        killed.append(up.children("operations_worker")[0])
        os.kill(killed[-1], signal.SIGKILL)

    assert wait_until(lambda: "IT IS DOWN" in up.log.read_text())
    time.sleep(1)
    assert up.children("operations_worker") == []
    assert up.log.read_text().count("IT IS DOWN") == 1
    assert up.get("/") == 200


def test_who_asked_for_the_end_before_the_handing_over_gets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("it went on"))
    handlers = {number: signal.getsignal(number) for number in keeper.StopRequest.SIGNALS}
    handlers[signal.SIGCHLD] = signal.getsignal(signal.SIGCHLD)
    try:
        stop = keeper.StopRequest()
        with Children(directory=Path(), grace_seconds=0, hurry=lambda: True) as children:
            os.kill(os.getpid(), signal.SIGTERM)
            keeper.take_over(stop, children)
        assert stop.is_asked()
        assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


SLOW_HANDING_OVER = """
import os, signal, sys, threading, time
from pathlib import Path
from config import keeper
from config.children import Children

stop = keeper.StopRequest()
# A second thread, as a library may have started one: it does not block what the first one blocks.
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
with Children(directory=Path.cwd(), grace_seconds=5, hurry=stop.is_urgent) as children:
    children.start("child", [sys.executable, "-c", "import time; time.sleep(600)"], os.environ)
    leave = children.leave_to_exec

    def leave_after_a_signal():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
        return leave()

    children.leave_to_exec = leave_after_a_signal
    keeper.take_over(stop, children)
"""


def test_ctrl_c_during_the_handing_over_is_not_lost() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SLOW_HANDING_OVER],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stderr.splitlines()[-1:]) == (0, ["Stopped."])


def test_child_may_start_again_when_the_minute_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with Children(directory=Path(), grace_seconds=0, hurry=lambda: True) as children:
        children.start("short", [sys.executable, "-c", ""], {})
        starts = []
        for second in range(3 * 60):
            monkeypatch.setattr(time, "monotonic", lambda now=second: float(now))
            children.first_ended() or children._children[0].process.wait()
            starts += [second for child in children.start_ended_again() if not child.is_waiting]

    for begin in range(2 * 60):
        assert len([at for at in starts if begin <= at < begin + 60]) <= RESTARTS
    assert len(starts) == 3 * RESTARTS


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def parent(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])

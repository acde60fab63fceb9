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

from config.management.commands.up import binding_fault
from operations.processes import is_alive, processes_with_environment

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
        ignore=shutil.ignore_patterns(".*", "__pycache__", "staticfiles", "bench"),
    )
    up = Up(copy, free_port)
    yield up
    for pid in up.running():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
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
        DJANGO_SECRET_KEY="s" * 50,
        FIELD_ENCRYPTION_KEY=settings.FIELD_ENCRYPTION_KEY[0],
        DJANGO_ALLOWED_HOSTS="coach.example.org,127.0.0.1",
    )

    assert up.lines_until_ready() == [f"Ready on http://127.0.0.1:{up.port}"]
    assert (up.directory / "staticfiles" / "staticfiles.json").exists()
    assert up.get("/admin/login/") == 200


@pytest.mark.slow
def test_kill_9_of_up_takes_web_server_and_workers_with_it(up: Up) -> None:
    process = up.start(OPERATIONS_SHUTDOWN_GRACE_SECONDS="2")
    up.lines_until_ready()

    process.kill()

    assert wait_until(lambda: up.running() == []), up.log.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("part", ["config.webserver", "operations_worker"])
def test_if_one_part_dies_the_other_is_stopped_and_up_fails(part: str, up: Up) -> None:
    process = up.start(OPERATIONS_SHUTDOWN_GRACE_SECONDS="2")
    up.lines_until_ready()
    children = [
        pid for pid in up.running() if part in command_line(pid) and parent(pid) == process.pid
    ]

    os.kill(children[0], signal.SIGKILL)

    assert up.exit_code() == 1
    assert "ended unexpectedly" in up.log.read_text()
    assert wait_until(lambda: not any(map(is_alive, up.running())))


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def parent(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])

"""The production command on a free port and a database of its own, and plain sockets to hurt it."""

from __future__ import annotations

import functools
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from operations.tests.databases import new_servers, opened

READY_WITHIN_SECONDS = 60


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


@dataclass
class Production:
    directory: Path
    port: int
    variables: Mapping[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *, worker: bool = False) -> None:
        self._run(["manage.py", "migrate", "--verbosity", "0"]).wait()
        self.start_web()
        if worker:
            self.start_worker()
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def start_web(self) -> None:
        self._run(["-m", "config.webserver"])

    def start_worker(self) -> None:
        self._run(["manage.py", "operations_worker"])

    def run(self, *arguments: str) -> None:
        """A command on the same database, to its end."""
        assert self._run(list(arguments)).wait() == 0, self.log.read_text()

    def stop(self) -> None:
        end_all(self.processes, within_seconds=15)

    @functools.cached_property
    def servers(self) -> dict[str, str]:
        """Of its own, unless it was given others."""
        return {} if "DATABASE_URL" in self.variables else new_servers(self.database)

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    @property
    def database(self) -> Path:
        """Where the suite runs on SQLite."""
        return self.directory / "db.sqlite3"

    @property
    def log(self) -> Path:
        return self.directory / "production.log"

    @property
    def web_pids(self) -> list[int]:
        """The processes that serve, without the one that only watches over them."""
        main = self.processes[1].pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        served = [int(pid) for pid in children if "spawn_main" in _command_line(int(pid))]
        return served or [int(pid) for pid in children if "tracker" not in _command_line(int(pid))]

    def thread_count(self) -> int:
        return sum(int(_status(pid, "Threads")) for pid in self.web_pids)

    def resident_mb(self) -> float:
        return sum(int(_status(pid, "VmRSS").split()[0]) for pid in self.web_pids) / 1024

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Mapping[str, Any] | None = None,
        *,
        timeout: float = 30,
        **headers: str,
    ) -> Reply:
        if isinstance(body, Mapping):
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, named)
            response = connection.getresponse()
            return Reply(response.status, dict(response.headers), response.read())
        finally:
            connection.close()

    def somebody_new(self, username: str, password: str) -> Callable[..., Any]:
        """Signs up. What asks the API as this person, `(method, path below /api/v1/, body)`, and
        returns the data of what was done."""
        account = {"username": username, "email": f"{username}@example.org", "password": password}
        made = self.ask("POST", "/api/v1/auth/register/", account)
        token: Any = {"Authorization": f"Token {made.data['token']}"}

        def ask(method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
            reply = self.ask(method, f"/api/v1/{path}", body, **token)
            assert reply.status in (200, 201, 202), reply.body
            return reply.data

        return ask

    def connect(self, data: bytes, *, timeout: float = 30) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        connection.sendall(data)
        return connection

    def begin_body(self, path: str, *, length: int, sent: bytes = b"{") -> socket.socket:
        """A POST that announced `length` bytes, of which `sent` have come so far. With the cookie
        a page looks for its token in the body; without it nobody would read that."""
        form = "application/x-www-form-urlencoded"
        kind = "application/json" if path.startswith("/api/") else form
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
            f"Cookie: csrftoken={'a' * 32}\r\nContent-Length: {length}\r\n\r\n"
        )
        return self.connect(head.encode() + sent)

    def count(self, query: str) -> int:
        with opened(self.database_url) as database:
            counted: int = database.execute(query).fetchone()[0]
            return counted

    def _answers(self) -> bool:
        try:
            return self.ask("GET", "/healthz").status == 200
        except OSError:
            return False

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DJANGO_SECRET_KEY": "s3cret-of-the-tests-that-start-the-production-command-0123456789",
            "FIELD_ENCRYPTION_KEY": settings.FIELD_ENCRYPTION_KEY[0],
            "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
            "PORT": str(self.port),
            "SIMULATED_PROVIDER": "true",
            "SIMULATED_LATENCY_SECONDS": "0",
            "OPERATIONS_WORKERS": "1",
            "OPERATIONS_SHUTDOWN_GRACE_SECONDS": "2",
            "WEB_DRAIN_SECONDS": "0",
            **self.servers,
            **self.variables,
        }

    def _run(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process


def rest(connection: socket.socket) -> bytes:
    """What the server still says before it closes."""
    said = b""
    while part := connection.recv(65536):
        said += part
    return said


def _status(pid: int, name: str) -> str:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return line.partition(":")[2].strip()
    raise AssertionError(name)


def _command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def end_all(processes: Sequence[subprocess.Popen[bytes]], *, within_seconds: float) -> None:
    """Each leads a group of its own, which is killed where it does not end in time."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(within_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

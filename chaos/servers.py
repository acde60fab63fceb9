"""The servers of a campaign's databases and brokers: private, on loopback, gone with it."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import redis

POOL = 6
STARTS_WITHIN_SECONDS = 30.0
POSTGRES_HOME = Path("/usr/lib/postgresql")
DATABASE = "practice"
NO_LONG_WAIT = "-c%20lock_timeout%3D1s"
ROLE = "practice"
"""No superuser: those have connections of their own where there are none left."""


class NotNow(Exception):
    """Somebody who was stopped holds what the fault needs, and only the campaign wakes them."""


class PostgresServer:
    def __init__(self, directory: Path, port: int) -> None:
        self.port = port
        self.log = directory / "postgres.log"
        self.data = directory / "postgres"
        self.process: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        self.data.mkdir()
        user = unprivileged_user()
        if user is not None:
            os.chown(self.data, pwd.getpwnam(user).pw_uid, -1)
        subprocess.run(  # noqa: S603  (our own command line)
            [
                postgres_program("initdb"),
                "--auth=trust",
                "--username=postgres",
                "--no-sync",
                f"--pgdata={self.data}",
            ],
            check=True,
            cwd="/",
            user=user,
            stdout=subprocess.DEVNULL,
        )
        self.start()
        self.execute(
            "template1", f"CREATE ROLE {ROLE} LOGIN", f"CREATE DATABASE {DATABASE} OWNER {ROLE}"
        )

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  (our own command line)
                [
                    postgres_program("postgres"),
                    "-D",
                    str(self.data),
                    "-p",
                    str(self.port),
                    "-k",
                    str(self.data),
                    "-c",
                    "listen_addresses=127.0.0.1",
                ],
                cwd="/",
                user=unprivileged_user(),
                stdout=log,
                stderr=log,
            )
        wait_until(self._is_ready, STARTS_WITHIN_SECONDS)

    def stop_at_once(self) -> None:
        """SIGQUIT is PostgreSQL's immediate stop: no checkpoint, recovery from its log on start."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()

    def url(self, *, port: int | None = None, role: str = ROLE) -> str:
        return f"postgres://{role}@127.0.0.1:{port or self.port}/{DATABASE}"

    def execute(self, database: str, *statements: str) -> None:
        """As superuser, each for itself. Raises NotNow, as `execute_together` does."""
        for statement in statements:
            with self._superuser(database, autocommit=True) as connection:
                connection.execute(statement.encode())

    def execute_together(self, database: str, *statements: str) -> None:
        with self._superuser(database) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    @contextlib.contextmanager
    def _superuser(
        self, database: str, *, autocommit: bool = False
    ) -> Iterator[psycopg.Connection[Any]]:
        try:
            with psycopg.connect(self.superuser_address(database), autocommit=autocommit) as each:
                yield each
        except psycopg.errors.LockNotAvailable as error:
            raise NotNow from error

    def superuser_address(self, database: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}?options={NO_LONG_WAIT}"

    def end_connections(self) -> None:
        self.execute(
            "template1",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ROLE}'",  # noqa: S608
        )

    def _is_ready(self) -> bool:
        answer = subprocess.run(  # noqa: S603  (our own command line)
            [
                postgres_program("pg_isready"),
                "-q",
                "-h",
                "127.0.0.1",
                "-p",
                str(self.port),
            ],
            check=False,
        )
        return answer.returncode == 0


class RedisServer:
    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Without persistence: a killed Redis has forgotten every message."""
        program = shutil.which("redis-server")
        assert program is not None, "redis-server is not installed"
        port = str(self.port)
        self.process = subprocess.Popen(  # noqa: S603  (our own command line)
            [program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no"],
            cwd=self.directory,
            stdout=subprocess.DEVNULL,
        )
        wait_until(lambda: port_answers(self.port), STARTS_WITHIN_SECONDS)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def send(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, socket_timeout=0.3, socket_connect_timeout=0.3)


class PgBouncer:
    """Pools by the transaction."""

    def __init__(self, directory: Path, port: int, server: PostgresServer) -> None:
        self.directory = directory / "pgbouncer"
        self.port = port
        self.server = server
        self.process: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        self.directory.mkdir()
        (self.directory / "users").write_text(f'"{ROLE}" ""\n')
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "trust",
            "auth_file": self.directory / "users",
            "logfile": self.directory / "log",
            "pool_mode": "transaction",
            "default_pool_size": POOL,
            "max_client_conn": 500,
            # By default it refuses everybody for 15 s after its server has refused it once.
            "server_login_retry": 1,
        }
        lines = [
            "[databases]",
            f"* = host=127.0.0.1 port={self.server.port}",
            "[pgbouncer]",
            *(f"{name} = {value}" for name, value in settings.items()),
        ]
        (self.directory / "pgbouncer.ini").write_text("\n".join(lines))
        if (user := unprivileged_user()) is not None:
            for path in (self.directory, *self.directory.iterdir()):
                os.chown(path, pwd.getpwnam(user).pw_uid, -1)
        self.start()

    def start(self) -> None:
        program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        self.process = subprocess.Popen(  # noqa: S603  (our own command line)
            [program, "-q", str(self.directory / "pgbouncer.ini")],
            cwd=self.directory,
            user=unprivileged_user(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: port_answers(self.port), STARTS_WITHIN_SECONDS)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root; None where this process is not root anyway."""
    return "postgres" if os.getuid() == 0 else None


def postgres_program(name: str) -> str:
    """The newest installed version's; Debian keeps the servers' programs out of PATH."""
    for directory in sorted(POSTGRES_HOME.glob("*/bin"), reverse=True):
        if (directory / name).exists():
            return str(directory / name)
    found = shutil.which(name)
    assert found is not None, f"PostgreSQL's {name} is not installed"
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def port_answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until(condition: Callable[[], object], seconds: float) -> None:
    """Raises TimeoutError if it does not hold within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("it did not happen in time")
        time.sleep(0.05)

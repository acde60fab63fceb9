"""The databases and brokers of a campaign: private, on loopback, gone with the campaign."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from chaos.plan import Role

STARTS_WITHIN_SECONDS = 30.0
POSTGRES_HOME = Path("/usr/lib/postgresql")


class Backend:
    """A database with a broker; `strike` ends one of them as a crash would, `mend` brings it
    back."""

    name = ""
    strikable: tuple[Role, ...] = ()

    def __init__(self, directory: Path, database_port: int, broker_port: int) -> None:
        self.directory = directory
        self.database_port = database_port
        self.broker_port = broker_port

    def environment(self) -> dict[str, str]:
        """What tells the product where its database and its broker are."""
        raise NotImplementedError

    def start(self) -> None:
        """Returns once everything answers."""

    def stop(self) -> None:
        """Ends everything that `start` or `mend` started."""

    def strike(self, role: Role) -> None:
        raise NotImplementedError

    def mend(self, role: Role) -> None:
        raise NotImplementedError


class Sqlite(Backend):
    name = "SQLite, ORM broker"

    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": f"sqlite:///{self.directory / 'chaos.sqlite3'}"}


class Postgres(Backend):
    name = "PostgreSQL, ORM broker"
    strikable: tuple[Role, ...] = (Role.DATABASE,)

    def __init__(self, directory: Path, database_port: int, broker_port: int) -> None:
        super().__init__(directory, database_port, broker_port)
        self.data = directory / "postgres"
        self.server: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": f"postgres://postgres@127.0.0.1:{self.database_port}/postgres"}

    def start(self) -> None:
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
        self.mend(Role.DATABASE)

    def strike(self, role: Role) -> None:
        """SIGQUIT is PostgreSQL's immediate stop: no checkpoint, recovery from its log on start."""
        assert self.server is not None
        self.server.send_signal(signal.SIGQUIT)
        self.server.wait()

    def mend(self, role: Role) -> None:
        with (self.directory / "postgres.log").open("ab") as log:
            self.server = subprocess.Popen(  # noqa: S603  (our own command line)
                [
                    postgres_program("postgres"),
                    "-D",
                    str(self.data),
                    "-p",
                    str(self.database_port),
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

    def stop(self) -> None:
        if self.server is not None and self.server.poll() is None:
            self.strike(Role.DATABASE)

    def _is_ready(self) -> bool:
        answer = subprocess.run(  # noqa: S603  (our own command line)
            [
                postgres_program("pg_isready"),
                "-q",
                "-h",
                "127.0.0.1",
                "-p",
                str(self.database_port),
            ],
            check=False,
        )
        return answer.returncode == 0


class PostgresRedis(Postgres):
    name = "PostgreSQL, Redis broker"
    strikable = (Role.DATABASE, Role.BROKER)

    def __init__(self, directory: Path, database_port: int, broker_port: int) -> None:
        super().__init__(directory, database_port, broker_port)
        self.redis: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "REDIS_URL": f"redis://127.0.0.1:{self.broker_port}/0"}

    def start(self) -> None:
        super().start()
        self.mend(Role.BROKER)

    def strike(self, role: Role) -> None:
        if role is not Role.BROKER:
            super().strike(role)
            return
        assert self.redis is not None
        self.redis.kill()
        self.redis.wait()

    def mend(self, role: Role) -> None:
        """Without persistence: a killed Redis has forgotten every message."""
        if role is not Role.BROKER:
            super().mend(role)
            return
        program = shutil.which("redis-server")
        assert program is not None, "redis-server is not installed"
        port = str(self.broker_port)
        self.redis = subprocess.Popen(  # noqa: S603  (our own command line)
            [program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no"],
            cwd=self.directory,
            stdout=subprocess.DEVNULL,
        )
        wait_until(lambda: port_answers(self.broker_port), STARTS_WITHIN_SECONDS)

    def stop(self) -> None:
        if self.redis is not None and self.redis.poll() is None:
            self.strike(Role.BROKER)
        super().stop()


BACKENDS: dict[str, type[Backend]] = {
    "sqlite": Sqlite,
    "postgres": Postgres,
    "redis": PostgresRedis,
}


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

"""A PostgreSQL of a test's own, to be stopped in the middle of anything. Never the machine's."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from operations.tests.ports import free_port

UNPRIVILEGED = "postgres"
"""PostgreSQL refuses to run as root; this account comes with its package."""

FAST = "-c fsync=off -c full_page_writes=off"
"""Stopped processes lose nothing by this, only stopped machines would. `synchronous_commit=off` is
another matter: it forgets commits that were confirmed, and with them fences that were given out."""


def binaries() -> Path | None:
    """Where initdb and pg_ctl are; Debian keeps them out of PATH."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)


class PrivatePostgreSQL:
    """`with PrivatePostgreSQL() as server:` … `server.url("name")`, `stop_at_once`, `start`."""

    def __init__(self) -> None:
        place = binaries()
        assert place is not None, "initdb is missing: apt-get install postgresql"
        self._binaries = place
        self._as_whom = ["runuser", "-u", UNPRIVILEGED, "--"] if os.geteuid() == 0 else []
        self.port = free_port()

    def __enter__(self) -> PrivatePostgreSQL:
        self._directory = Path(tempfile.mkdtemp(prefix="interview-practice-postgresql-"))
        if self._as_whom:
            account = pwd.getpwnam(UNPRIVILEGED)
            os.chown(self._directory, account.pw_uid, account.pw_gid)
        self._run("initdb", "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_at_once()
        shutil.rmtree(self._directory)

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k '' {FAST}"
        log = str(self._directory / "log")
        self._run("pg_ctl", "-w", "-o", options, "-l", log, "start")

    def stop_at_once(self) -> None:
        """As a crash: no transaction ends, no connection is told. Stopped already: nothing."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop", check=False)

    def url(self, database: str = "postgres") -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        subprocess.run(
            [
                *self._as_whom,
                str(self._binaries / program),
                "-D",
                str(self._directory / "data"),
                *arguments,
            ],
            check=check,
            cwd=self._directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

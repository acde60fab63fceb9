"""A PgBouncer of a test's own in front of a private PostgreSQL, pooling by the transaction."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from conftest import find_pgbouncer
from operations.tests.private_postgresql import UNPRIVILEGED, PrivatePostgreSQL

POOL = 3


class PrivatePgBouncer:
    """`with PrivatePgBouncer(server) as pooler:` … `pooler.url("name")`, `stop`, `start`."""

    def __init__(self, server: PrivatePostgreSQL, *, pool: int = POOL) -> None:
        self._server = server
        self._pool = pool
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    def __enter__(self) -> PrivatePgBouncer:
        self._directory = Path(tempfile.mkdtemp(prefix="interview-practice-pgbouncer-"))
        self._write_configuration()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._directory)

    def start(self) -> None:
        program = find_pgbouncer()
        assert program is not None, "apt-get install pgbouncer"
        is_root = os.geteuid() == 0
        self._process = subprocess.Popen(
            [program, "-q", str(self._directory / "pgbouncer.ini")],
            cwd=self._directory,
            # It refuses to run as root.
            user=UNPRIVILEGED if is_root else None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < end, (self._directory / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """As a crash: nobody is told."""
        self._process.kill()
        self._process.wait()

    def url(self, database: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def _write_configuration(self) -> None:
        (self._directory / "users").write_text('"postgres" ""\n')
        (self._directory / "pgbouncer.ini").write_text(
            f"""
            [databases]
            * = host=127.0.0.1 port={self._server.port}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {self.port}
            unix_socket_dir =
            auth_type = trust
            auth_file = {self._directory}/users
            logfile = {self._directory}/log
            pool_mode = transaction
            default_pool_size = {self._pool}
            max_client_conn = 200
            """.replace("            ", "")
        )
        if os.geteuid() == 0:
            account = pwd.getpwnam(UNPRIVILEGED)
            for path in (self._directory, *self._directory.iterdir()):
                os.chown(path, account.pw_uid, account.pw_gid)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

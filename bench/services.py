"""What runs beside the workers: a PostgreSQL, a Redis and the stub of the bench's own, loopback
only. The machine's own are neither used nor touched."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import redis

from bench.options import ROOT
from operations.tests.private_postgresql import PrivatePostgreSQL

POSTGRESQL_OPTIONS = {
    # Its real durability: each commit reaches the disk. The rest is room, for every side alike.
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "2400",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
}


class BenchPostgreSQL(PrivatePostgreSQL):
    def start(self) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in POSTGRESQL_OPTIONS.items())
        where = f"-p {self.port} -c listen_addresses=127.0.0.1 -k ''"
        log = str(self._directory / "log")
        self._run("pg_ctl", "-w", "-o", f"{where} {options}", "-l", log, "start")

    @property
    def pid(self) -> int:
        return int((self._directory / "data" / "postmaster.pid").read_text().split("\n", 1)[0])

    @property
    def version(self) -> str:
        ((version,),) = self.execute("SHOW server_version")
        return str(version)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class BenchRedis:
    """In memory, as its documentation's default for a broker is: nothing is written to disk."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self._directory = directory

    def __enter__(self) -> BenchRedis:
        program = shutil.which("redis-server")
        if program is None:
            raise SystemExit("redis-server is missing: apt-get install redis-server")
        self._process = subprocess.Popen(  # noqa: S603  (our own command line)
            [program, *self._options()],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.client = redis.Redis(port=self.port)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with contextlib.suppress(redis.ConnectionError):
                self.client.ping()
                return self
            time.sleep(0.05)
        raise SystemExit("the bench's redis-server does not answer")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def _options(self) -> list[str]:
        where = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._directory)]
        return [*where, "--save", "", "--appendonly", "no", "--maxclients", "9000"]

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def version(self) -> str:
        return str(self.client.info("server")["redis_version"])


class Stub:
    """`with running_stub(...) as stub`: the provider of one run."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self._port = port

    def figures(self) -> dict[str, int]:
        return self._get("/figures")

    def set_latency(self, seconds: float) -> None:
        self._get(f"/latency/{seconds}")

    def set_status(self, status: int) -> None:
        self._get(f"/status/{status}")

    def _get(self, path: str) -> dict[str, int]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", path)
            found: dict[str, int] = json.loads(connection.getresponse().read())
            return found


@contextlib.contextmanager
def running_stub(port: int, latency: float, environment: Mapping[str, str]) -> Iterator[Stub]:
    process = subprocess.Popen(  # noqa: S603  (our own command line)
        [sys.executable, "-m", "bench.stub", "--port", str(port), "--latency", str(latency)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    stub = Stub(process, port)
    try:
        end = time.monotonic() + 10
        while True:
            try:
                stub.figures()
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        yield stub
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(10)

"""A Redis of a test's own, to be stopped, hung or filled. Never the machine's."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time

import redis


class PrivateRedis:
    """`with PrivateRedis() as server:` … `kill`, `start`, `hang`, `go_on`, `fill`, `make_room`."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> PrivateRedis:
        self._directory = tempfile.mkdtemp(prefix="interview-practice-redis-")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on()
        self.kill()
        shutil.rmtree(self._directory)

    def start(self) -> None:
        """Empty: without persistence it has forgotten everything."""
        program = shutil.which("redis-server")
        assert program is not None, "redis-server is missing: apt-get install redis-server"
        port = str(self.port)
        self._process = subprocess.Popen(
            [program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no"],
            cwd=self._directory,
            stdout=subprocess.DEVNULL,
        )
        end = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < end, "redis-server did not start"
            time.sleep(0.02)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def hang(self) -> None:
        """It takes connections, as the kernel does for it, and says nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def fill(self) -> None:
        """Out of memory: it refuses to write, and answers everything else."""
        self._configure("maxmemory", "1")

    def make_room(self) -> None:
        self._configure("maxmemory", "0")

    def flush(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _configure(self, name: str, value: str) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.config_set(name, value)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

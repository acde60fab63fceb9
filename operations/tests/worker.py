"""The real worker command as a child process of a test, on the test's own database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from django.conf import settings

from operations.models import Operation, WorkerHeartbeat
from operations.pauses import paused_credentials
from operations.services import resume_provider
from operations.tests.databases import database_url
from operations.tests.fault_server import FaultServer
from operations.workers.cluster import SUPERVISOR_VARIABLE
from operations.workers.processes import is_alive, processes_with_environment

ROUNDS = 40


class WorkerProcess:
    """`start`, `stop`, `kill_everything`; what is left over is ended by id, never by name."""

    def __init__(self, provider: FaultServer, **environment: str) -> None:
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "operations.tests.worker_settings",
            "DATABASE_URL": database_url(),
            "OPENAI_BASE_URL": f"http://127.0.0.1:{provider.port}/v1",
            "OPENAI_API_KEY": "sk-proj-a-key-for-tests-only",
            "OPERATIONS_SHUTDOWN_GRACE_SECONDS": "2",
            **environment,
        }
        self.supervisor: subprocess.Popen[bytes] | None = None

    def start(self, drains: int = 1) -> None:
        """Start a supervisor and wait until its drains have signed on."""
        self.supervisor = subprocess.Popen(
            [sys.executable, "manage.py", "operations_worker"],
            cwd=settings.BASE_DIR,
            env=self.environment,
        )
        wait_until(lambda: len(self.drains()) >= drains)

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        assert self.supervisor is not None
        self.supervisor.terminate()
        return self.supervisor.wait(30)

    def drains(self) -> list[int]:
        """Process ids of the drains that are registered and alive."""
        pids = WorkerHeartbeat.objects.values_list("pid", flat=True)
        return [pid for pid in pids if is_alive(pid)]

    def processes(self) -> list[int]:
        """Every living process of this supervisor's cluster."""
        assert self.supervisor is not None
        suffix = f":{self.supervisor.pid}"
        return [
            pid
            for pid, mark in processes_with_environment(SUPERVISOR_VARIABLE)
            if mark.endswith(suffix) and is_alive(pid)
        ]

    def kill_cluster(self) -> None:
        """kill -9 of every process below the supervisor."""
        for pid in self.processes():
            kill(pid)

    def kill_everything(self) -> None:
        """kill -9 of the supervisor and every process below it."""
        if self.supervisor is None:
            return
        kill(self.supervisor.pid)
        self.supervisor.wait()
        while self.processes():
            self.kill_cluster()
            time.sleep(0.02)


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Look at the condition until it holds; fail after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def drain_behind_pauses(drain: Callable[[], None]) -> None:
    """Drain until nothing waits, resuming each credential that a refused call paused on the way."""
    for _ in range(ROUNDS):
        drain()
        if not Operation.objects.filter(status=Operation.Status.PENDING).exists():
            return
        for credential in paused_credentials():
            resume_provider(credential=credential)
    raise AssertionError("it went on waiting")

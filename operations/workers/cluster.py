"""A cluster as the system sees it: a process group with a mark, a pipe and an end."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from operations import events, exits, lifeline
from operations.workers.processes import is_alive, processes_with_environment

SUPERVISOR_VARIABLE = "OPERATIONS_SUPERVISOR"
QUEUE_VARIABLE = "Q_CLUSTER_NAME"
"""django-q2's: the queue that a cluster reads."""


@dataclass
class Cluster:
    """django-q2's cluster as a child process that leads its own session and process group."""

    process: subprocess.Popen[bytes]
    pipe: int | None
    deaths: int | None = None
    """Where its sentinel tells of the processes that died."""
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def start(cls, supervisor: str) -> Cluster:
        read_end, write_end = os.pipe()
        deaths_read_end, deaths_write_end = os.pipe()
        os.set_blocking(deaths_read_end, False)
        os.set_blocking(deaths_write_end, False)
        try:
            process = subprocess.Popen(  # noqa: S603  (our own command line)
                [sys.executable, sys.argv[0], "operations_cluster"],
                env={
                    **os.environ,
                    SUPERVISOR_VARIABLE: supervisor_mark(supervisor, os.getpid()),
                    QUEUE_VARIABLE: supervisor,
                    lifeline.VARIABLE: str(read_end),
                    exits.VARIABLE: str(deaths_write_end),
                },
                pass_fds=(read_end, deaths_write_end),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(read_end)
            os.close(deaths_write_end)
        return cls(process, write_end, deaths_read_end)

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self.process.poll()

    @property
    def age_seconds(self) -> float:
        return time.monotonic() - self.started

    def close_lifeline(self) -> None:
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None

    def terminate(self, patience_seconds: float) -> None:
        """SIGTERM to the main process only: its children would be cut in mid-work."""
        if self.is_running:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience_seconds)
        self.kill()

    def kill(self) -> None:
        """End the whole group: orphans of a dead sentinel go on taking tasks otherwise."""
        self.close_lifeline()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.deaths is not None:
            os.close(self.deaths)
            self.deaths = None


def supervisor_mark(supervisor: str, pid: int) -> str:
    """What marks a cluster's processes as a supervisor's: installation, id and process id."""
    return f"{_installation()}:{supervisor}:{pid}"


def _installation() -> str:
    return hashlib.sha256(str(Path(settings.BASE_DIR)).encode()).hexdigest()[:16]


def left_over_groups() -> Iterator[int]:
    """Process groups of this installation's clusters whose supervisor is dead (Linux only:
    elsewhere the lifeline alone ends them)."""
    groups = set()
    for pid, value in processes_with_environment(SUPERVISOR_VARIABLE):
        installation, _, supervisor_pid = value.split(":")
        if installation == _installation() and not is_alive(int(supervisor_pid)):
            with contextlib.suppress(ProcessLookupError):
                groups.add(os.getpgid(pid))
    yield from groups - {os.getpgrp()}


def end_left_over_groups() -> None:
    for group in left_over_groups():
        events.log(events.WORKER_STOPPED, level=logging.WARNING, reason="left over", group=group)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)

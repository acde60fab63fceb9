"""Processes of a run: started in a group, measured as a tree, stopped by id."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from bench.options import MARK_VARIABLE, ROOT
from operations.workers.processes import is_alive, processes_with_environment

MANY_PROCESSES = 10


def start(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603  (our own command line)
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def tree(pids: Iterable[int]) -> list[psutil.Process]:
    """The processes and everything below them that lives now."""
    found: dict[int, psutil.Process] = {}
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(pid)
            for process in (root, *root.children(recursive=True)):
                found[process.pid] = process
    return list(found.values())


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of the whole tree, with that of children that ended and were waited
    for: a worker that is recycled takes nothing with it."""
    total = 0.0
    for process in tree(pids):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def pss_bytes(processes: Iterable[psutil.Process]) -> int:
    """Proportional set size: pages that processes share are counted once."""
    total = 0
    for process in processes:
        with contextlib.suppress(OSError, IndexError, ValueError):
            text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            total += 1024 * int(text.split("\nPss:", 1)[1].split(None, 1)[0])
    return total


class MemoryWatch:
    """The peak of a tree's PSS while it is looked at, a look each half second; of many processes
    each second and a half, since a look has its price."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = pids
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak_bytes = 0
        self.processes = 0

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._end.wait(0.5 if self._look() <= MANY_PROCESSES else 1.5):
            pass

    def _look(self) -> int:
        processes = tree(self._pids)
        self.peak_bytes = max(self.peak_bytes, pss_bytes(processes))
        self.processes = max(self.processes, len(processes))
        return len(processes)


@contextlib.contextmanager
def held_still(pids: Sequence[int]) -> Iterator[None]:
    """No process of the tree runs inside: a backlog is there as a whole before anybody begins."""
    held = tree(pids)
    for process in held:
        _send(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in held:
            _send(process.pid, signal.SIGCONT)


def stop(processes: Sequence[subprocess.Popen[bytes]], patience_seconds: float = 15.0) -> None:
    """SIGTERM, then SIGKILL to all that is left of their trees."""
    everybody = tree(process.pid for process in processes)
    for process in processes:
        process.terminate()
    end = time.monotonic() + patience_seconds
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, end - time.monotonic()))
    for one in everybody:
        with contextlib.suppress(psutil.NoSuchProcess):
            if one.is_running():  # compares the start time too: ids are used again
                one.kill()
    for process in processes:
        process.wait()


def end_marked(mark: str) -> None:
    """kill -9 of whatever still carries the bench's mark, by id, until nothing does."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        left = [
            pid
            for pid, value in processes_with_environment(MARK_VARIABLE)
            if value == mark and is_alive(pid) and pid != os.getpid()
        ]
        if not left:
            return
        for pid in left:
            _send(pid, signal.SIGKILL)
        time.sleep(0.05)


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)

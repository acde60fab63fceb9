"""A pipe through which django-q2's sentinel tells the supervisor how its children ended.

Only a parent learns the exit code of a process. The sentinel inherits the write end and its number
in an environment variable.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

VARIABLE = "OPERATIONS_DEATHS_FD"


def report(pid: int, exit_code: int) -> None:
    """From the sentinel. Never waits: a full pipe means that nobody listens any more."""
    if value := os.environ.get(VARIABLE):
        with contextlib.suppress(OSError):
            os.write(int(value), f"{pid} {exit_code}\n".encode())


def reported(read_end: int | None) -> Iterator[tuple[int, int]]:
    """(pid, exit code) of those that were reported since the last look. Lines are shorter than a
    pipe's atomic write, so none comes in halves."""
    if read_end is None:
        return
    with contextlib.suppress(BlockingIOError):
        for line in os.read(read_end, 65_536).split(b"\n"):
            if line:
                pid, _, exit_code = line.partition(b" ")
                yield int(pid), int(exit_code)

"""What the operating system knows of other processes on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody collected yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:  # no /proc here, or gone since
        return False
    return stat.rpartition(")")[2].split()[0] == "Z"


def processes_with_environment(variable: str) -> Iterator[tuple[int, str]]:
    """(pid, value) of the processes that were started with this variable. Nothing without /proc."""
    prefix = f"{variable}=".encode()
    for directory in PROC.glob("[0-9]*"):
        try:
            environment = (directory / "environ").read_bytes()
        except OSError:  # another user's, or gone since
            continue
        for entry in environment.split(b"\0"):
            if entry.startswith(prefix):
                yield int(directory.name), entry[len(prefix) :].decode(errors="replace")

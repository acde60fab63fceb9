"""A pipe that tells children when their parent has ended, however it ended.

The parent holds the write end and never writes; children inherit the read end and its number in an
environment variable. A closed write end means: stop taking work.
"""

from __future__ import annotations

import os
import select

VARIABLE = "OPERATIONS_LIFELINE_FD"


def descriptor() -> int | None:
    """The inherited read end; None where no parent gave one."""
    value = os.environ.get(VARIABLE)
    return int(value) if value else None


def has_ended() -> bool:
    """Whether the parent closed its end or died: nothing is written, so readable means ended."""
    read_end = descriptor()
    if read_end is None:
        return False
    readable, _, _ = select.select([read_end], [], [], 0)
    return bool(readable)

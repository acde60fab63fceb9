"""Named places where a test lets the process die at once, as `kill -9` or a power cut would.

A test starts a process with OPERATIONS_FAILPOINT=<name>; without it each place costs one
comparison. Why they stand in the product's code: docs/decisions/0005-failpoints.md.
"""

from __future__ import annotations

import os

VARIABLE = "OPERATIONS_FAILPOINT"
EXIT_CODE = 137
"""What a shell reports of a process that SIGKILL ended."""

_armed = os.environ.get(VARIABLE)


def reach(name: str) -> None:
    """Die here if this place is the armed one: no `finally`, no rollback, no flush."""
    if _armed == name:
        os._exit(EXIT_CODE)

"""The handler that writes log lines, those of a group commit in one go.

Each write is a system call that lets go of the interpreter's lock, and the event loop, which then
holds it, has hundreds of calls to serve before it gives it back: line by line, logging would slow a
drain's database thread down more than the database does.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Iterator

SAID_EVERY_SECONDS = 60.0
MAX_SAID = 1000


class _Waiting(threading.local):
    lines: list[tuple[LineHandler, str]] | None = None


_waiting = _Waiting()


class LineHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to stderr, at once but inside `together`."""

    def emit(self, record: logging.LogRecord) -> None:
        if _waiting.lines is None:
            super().emit(record)
            return
        try:
            _waiting.lines.append((self, self.format(record)))
        except Exception:  # as every handler does: a line that cannot be written stops nobody
            self.handleError(record)

    def write(self, text: str) -> None:
        with self.lock or contextlib.nullcontext():
            self.stream.write(text)
            self.flush()


class Seldom(logging.Filter):
    """Lets the same sentence of a library through once a minute: without its broker django-q2 has
    one to say twice a second."""

    def __init__(self) -> None:
        super().__init__()
        self._said_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        now = time.monotonic()
        if now - self._said_at.get(said, -SAID_EVERY_SECONDS) < SAID_EVERY_SECONDS:
            return False
        if len(self._said_at) >= MAX_SAID:
            self._said_at.clear()
        self._said_at[said] = now
        return True


def error_of(given: object) -> BaseException | None:
    """The exception of a log call's `exc_info`, in whichever of its forms it was given."""
    if given is True:
        return sys.exc_info()[1]
    if isinstance(given, tuple):
        return given[1]  # type: ignore[no-any-return]
    return given if isinstance(given, BaseException) else None


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Write the lines of this thread at the end, in their order. Not to be nested."""
    lines = _waiting.lines = []
    try:
        yield
    finally:
        _waiting.lines = None
        for handler in dict.fromkeys(handler for handler, _ in lines):
            own = (line for by, line in lines if by is handler)
            with contextlib.suppress(OSError, ValueError):  # closed: nobody reads any more
                handler.write("".join(f"{line}\n" for line in own))

"""The handler that writes log lines, those of a group commit in one go.

Each write is a system call that lets go of the interpreter's lock, and the event loop, which then
holds it, has hundreds of calls to serve before it gives it back: line by line, logging would slow a
drain's database thread down more than the database does.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator


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

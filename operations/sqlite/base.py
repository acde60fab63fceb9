"""Django's SQLite backend, with a line in which writers wait for their turn.

A connection that finds SQLite's one write lock taken sleeps 1, 2, 5, 10 … 100 ms before it asks
again, and another that asks the moment it has let go is always sooner: beside a busy drain a
person's submission could wait for all of its 20 s and then fail. Here whoever is about to write
takes the head of a line first, asks in short order, and leaves the line once it has the lock: who
has just written stands behind those who came meanwhile
(docs/decisions/0012-a-line-of-writers-on-sqlite.md).

The line says who is next, never who may write: that is SQLite's lock alone. Where there is none (a
directory that may not be written to), or it does not move (a stopped process), all race for the
lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

LINE_SUFFIX = "-line"
"""The file beside the database, like SQLite's own "-wal" and "-shm". It is always empty."""

LINE_SECONDS = 2.0
"""Who has waited in line for so long races with its head: it may be a process that was stopped."""

LINE_POLL_SECONDS = 0.001
SHORT_MILLISECONDS = 3
"""Who is next asks SQLite again after 1 and 2 ms, and then from the start."""

WRITES = ("BEGIN", "INSERT", "UPDATE", "DELETE", "REPLACE")


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(self._in_turn)

    def _in_turn(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        """Django's hook around every statement; inside a transaction the lock is ours already."""
        if self.in_atomic_block or not sql.startswith(WRITES) or self.is_in_memory_db():
            return execute(sql, params, many, context)
        with _place_in_line(f"{self.settings_dict['NAME']}{LINE_SUFFIX}"):
            return self._ask_in_short_order(lambda: execute(sql, params, many, context))

    def _ask_in_short_order(self, ask: Callable[[], Any]) -> Any:
        """For as long as the connection would have waited by itself. Who is refused the lock has
        changed nothing, so that the statement may be run again."""
        usual = self._busy_timeout()
        end = time.monotonic() + usual / 1000
        self._busy_timeout(min(usual, SHORT_MILLISECONDS))
        try:
            while True:
                try:
                    return ask()
                except OperationalError as error:
                    if not _is_busy(error) or time.monotonic() >= end:
                        raise
        finally:
            self._busy_timeout(usual)

    def _busy_timeout(self, milliseconds: int | None = None) -> int:
        with self.wrap_database_errors:
            new = "" if milliseconds is None else f" = {milliseconds}"
            return int(self.connection.execute(f"PRAGMA busy_timeout{new}").fetchone()[0])


@contextlib.contextmanager
def _place_in_line(path: str) -> Iterator[None]:
    """Wait until we are next. A process that dies leaves the line by that."""
    descriptor = _opened(path)
    if descriptor is None:
        yield
        return
    try:
        _wait_until_next(descriptor)
        yield
    finally:
        # Closing is not enough: a process forked meanwhile has the same open file.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _opened(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        return None


def _wait_until_next(descriptor: int) -> None:
    end = time.monotonic() + LINE_SECONDS
    while time.monotonic() < end:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LINE_POLL_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311
        except OSError:  # a file system that knows no locks
            return
        else:
            return


def _is_busy(error: OperationalError) -> bool:
    code: int = getattr(error.__cause__, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY

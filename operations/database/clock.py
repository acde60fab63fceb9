"""The one clock that leases and due times are read from: the database's.

Hosts disagree about the time, and a worker whose clock is fast would rob the living.
SQLite runs in this process, so its clock is this host's.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Expression
from django.utils import timezone


def database_now() -> datetime:
    """The database's time, aware, in UTC. One round trip on PostgreSQL, none on SQLite."""
    if connection.vendor == "sqlite":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    return clock_was(now)


def clock_was(now: datetime) -> datetime:
    """The same of a time that PostgreSQL has said a moment ago, beside something else."""
    _last.at, _last.read = now.astimezone(UTC), time.monotonic()
    return _last.at


class DatabaseNow(Expression):
    """The same within a statement, for all that it reads; `ago` before that."""

    output_field = DateTimeField()

    def __init__(self, ago: timedelta = timedelta(0)) -> None:
        super().__init__()
        self.ago = ago

    def as_sqlite(self, *_: Any, **__: Any) -> tuple[str, list[Any]]:
        return "%s", [_Then(self.ago)]

    def as_postgresql(self, *_: Any, **__: Any) -> tuple[str, list[Any]]:
        return "(STATEMENT_TIMESTAMP() - %s)", [self.ago]


class _Then:
    """Read when the statement is run: its text may have been written long before."""

    def __init__(self, ago: timedelta) -> None:
        self._ago = ago

    def __conform__(self, protocol: object) -> Any:
        """sqlite3 asks for what it can store: PEP 246."""
        return stored(timezone.now() - self._ago)


class _LastReading(threading.local):
    at = datetime.min.replace(tzinfo=UTC)
    read = float("-inf")


_last = _LastReading()

CARRIED_SECONDS = 10.0
"""Two clocks drift apart by some 10 microseconds a second."""


def noted_now() -> datetime:
    """The same for what is noted and decides nothing, as when a call ended: this thread's last
    reading carried on by the process's own clock, where that is not long ago. A worker reads it
    with every claim and heartbeat; a round trip for each end of a call would tell it nothing new.
    Never for a lease: that clock stands still while a machine is suspended."""
    elapsed = time.monotonic() - _last.read
    if connection.vendor == "sqlite" or elapsed > CARRIED_SECONDS:
        return database_now()
    return _last.at + timedelta(seconds=elapsed)


def aware(kept: Any) -> datetime:
    """A time as SQL of our own reads it: of SQLite a text, or a time that keeps UTC without saying
    so."""
    at = kept if isinstance(kept, datetime) else datetime.fromisoformat(kept)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def stored(at: datetime) -> Any:
    """As the database keeps it: SQLite's are texts, and compared as such."""
    return connection.ops.adapt_datetimefield_value(at)

"""The one clock that leases and due times are read from: the database's.

Hosts disagree about the time, and a worker whose clock is fast would rob the living.
SQLite runs in this process, so its clock is this host's.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection
from django.utils import timezone


def database_now() -> datetime:
    """The database's time, aware, in UTC. One round trip on PostgreSQL, none on SQLite."""
    if connection.vendor == "sqlite":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    return now.astimezone(UTC)  # type: ignore[no-any-return]

"""What waits, read at its edges: a look costs the same however many operations wait.

The supervisor looks every two seconds, and a monitor as often as it likes. The statements are SQL,
because SQLite must be told their index: of itself it takes the one that begins with the status, and
reads everything that is pending. Own keys that are paused cost more, by what waits behind them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from operations.database.clock import aware, stored
from operations.models import Operation, ProviderPause, ProviderRate

COUNTED = 1000
"""Due operations are counted up to here: beyond, the number changes nothing for
whoever asks whether work moves, and to know it would be to read them all."""

BY_AGE = "operation_waiting"
BY_KEY = "operation_due_by_key"

DUE_AT = "COALESCE(next_attempt_at, queued_at)"
"""Since when a pending operation may be claimed, as BY_KEY keeps it."""


@dataclass(frozen=True)
class Due:
    """What may be claimed of those that wait for the installation's key, or for own keys."""

    own_key: bool
    is_held: bool
    """By the pause or the rate limit of these own keys, or by an operator's of these kinds."""
    count: int
    """Up to COUNTED."""
    since: datetime


def ids_queued_before(at: datetime, *, limit: int) -> list[UUID]:
    """Up to `limit` that have waited the longest since their submission or retry."""
    sql = f"SELECT id FROM {_pending(BY_AGE)} AND queued_at < %s ORDER BY queued_at LIMIT %s"  # noqa: S608
    return [operation.pk for operation in Operation.objects.raw(sql, [stored(at), limit])]


def due_by_key(at: datetime, *, held_kinds: Collection[str] = ()) -> list[Due]:
    """How many are due, and since when: of the installation's key, of own keys that are held back,
    of those that are not, and of kinds that are held back. One statement."""
    pauses = connection.ops.quote_name(ProviderPause._meta.db_table)
    rates = connection.ops.quote_name(ProviderRate._meta.db_table)
    paused = (
        f"(SELECT own_key_owner_id FROM {pauses} WHERE resumed_at IS NULL"  # noqa: S608
        f" UNION SELECT own_key_owner_id FROM {rates} WHERE waits_until > %(at)s)"
    )
    of_owner = f"SELECT 1 FROM {paused} p WHERE own_key_owner_id = owner_id"  # noqa: S608
    names = {f"kind{number}": kind for number, kind in enumerate(held_kinds)}
    of_kinds = f"kind IN ({', '.join(f'%({name})s' for name in names)})" if names else ""
    others = f" AND NOT {of_kinds}" if names else ""
    groups = [
        (0, 0, f"own_key = FALSE{others}"),
        (1, 0, f"own_key = TRUE AND NOT EXISTS ({of_owner}){others}"),
        (1, 1, f"own_key = TRUE AND EXISTS ({of_owner}){others}"),
    ]
    if names:
        groups += [
            (0, 1, f"own_key = FALSE AND {of_kinds}"),
            (1, 1, f"own_key = TRUE AND {of_kinds}"),
        ]
    sql = " UNION ALL ".join(f"SELECT {own}, {held}, {_counted(of)}" for own, held, of in groups)
    rows = _rows(sql, {"at": stored(at), **names})
    return [
        Due(bool(own), bool(held), count, aware(since)) for own, held, count, since in rows if count
    ]


def _counted(whose: str) -> str:
    """Two columns. In order, lest PostgreSQL look for the first thousand in the whole table."""
    due = f"{_pending(BY_KEY)} AND {whose} AND {DUE_AT} <= %(at)s"
    first = f"SELECT {DUE_AT} FROM {due} ORDER BY {DUE_AT} LIMIT"  # noqa: S608
    return f"(SELECT COUNT(*) FROM ({first} {COUNTED}) counted), ({first} 1)"  # noqa: S608


def _pending(index: str) -> str:
    by = f"INDEXED BY {index}" if connection.vendor == "sqlite" else ""
    return f"{connection.ops.quote_name(Operation._meta.db_table)} {by} WHERE status = 'pending'"


def _rows(sql: str, values: dict[str, Any] | None = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[Any] = cursor.fetchall()
    return rows

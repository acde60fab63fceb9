"""Which pending operations are due. Every wake-up of every drain asks, so the statements are SQL
written once: the ORM took five times as long to build them as the database to answer
(docs/performance.md).
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models

from operations.database.clock import clock_was, stored
from operations.database.paused import Held
from operations.database.rows import instances_of
from operations.kinds import all_kinds
from operations.models import Operation

PATIENCE = timedelta(seconds=30)
"""A kind waits this long for those it `waits_for`: a paused provider must not hold it up."""

IS_DUE = "status = 'pending' AND (next_attempt_at IS NULL OR next_attempt_at <= {now})"

UNFINISHED = Operation.UNFINISHED

Waits = tuple[tuple[str, tuple[str, ...]], ...]
"""Kinds, and those that each waits for."""


def anything_due() -> datetime | None:
    """PostgreSQL's time, if anything is due, paused or not: one statement that takes no lock. A
    look that finds nothing, the usual one, costs a fraction of a claim."""
    with connection.cursor() as cursor:
        cursor.execute(look_sql("STATEMENT_TIMESTAMP()", says="CLOCK_TIMESTAMP()"))
        row = cursor.fetchone()
    return clock_was(row[0]) if row else None


def look_sql(now: str, *, says: str = "1") -> str:
    """A row that says this, if anything is due at the time that `now` is in SQL."""
    return f"SELECT {says} FROM {_table()} WHERE {IS_DUE.format(now=now)} LIMIT 1"  # noqa: S608


def due_operations(*, at: datetime, held: Held, limit: int) -> list[Operation]:
    """Up to `limit` operations in the order of their turns, locked where the database locks rows;
    those that somebody else has locked are passed over. `held`: what this process leaves."""
    if held.everything:
        return []
    values: dict[str, Any] = {
        "now": stored(at),
        "patience": stored(at - PATIENCE),
        "limit": limit,
        **{f"owner{number}": owner for number, owner in enumerate(held.owners)},
        **{f"kind{number}": kind for number, kind in enumerate(held.kinds)},
        **{f"slow{number}": owner for number, owner in enumerate(held.slow_owners)},
    }
    waits = tuple((kind.name, kind.waits_for) for kind in all_kinds() if kind.waits_for)
    counts = (len(held.owners), len(held.kinds), len(held.slow_owners))
    sql = _due_sql(waits, held.installation, held.slow_installation, *counts, connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return instances_of(Operation, cursor.fetchall())


@functools.lru_cache(maxsize=64)
def _due_sql(
    waits: Waits,
    installation: bool,
    slow_installation: bool,
    owners: int,
    kinds: int,
    slow_owners: int,
    vendor: str,
) -> str:
    conditions = [
        IS_DUE.format(now="%(now)s"),
        *(_waits_for_none(kind, others) for kind, others in waits),
    ]
    if kinds:
        conditions.append(f"kind NOT IN ({_marks('kind', kinds)})")
    if installation:
        conditions.append("(is_probe OR own_key)")
    if owners:
        marks = _marks("owner", owners)
        conditions.append(f"(is_probe OR NOT own_key OR owner_id NOT IN ({marks}))")
    if slow_installation:
        conditions.append("own_key")
    if slow_owners:
        conditions.append(f"(NOT own_key OR owner_id NOT IN ({_marks('slow', slow_owners)}))")
    columns = ", ".join(f"due.{_quoted(field)}" for field in Operation._meta.concrete_fields)
    # SQLite would rather find all that is pending, and sort it, at every claim.
    by_turn = "INDEXED BY operation_due" if vendor == "sqlite" else ""
    parts = [
        f"SELECT {columns} FROM {_table()} due {by_turn} WHERE {' AND '.join(conditions)}",  # noqa: S608
        "ORDER BY turn_at, id LIMIT %(limit)s",
        "FOR UPDATE OF due SKIP LOCKED" if vendor == "postgresql" else "",
    ]
    return " ".join(filter(None, parts))


def _waits_for_none(kind: str, others: tuple[str, ...]) -> str:
    """For a while, no unfinished operation of the others in the same session. Names of kinds are
    the application's own."""
    unfinished = f"other.kind IN ({_listed(others)}) AND other.status IN ({_listed(UNFINISHED)})"
    same_session = f"SELECT 1 FROM {_table()} other WHERE other.session_id = due.session_id"  # noqa: S608
    waits = f"kind = '{kind}' AND queued_at > %(patience)s"
    return f"NOT ({waits} AND EXISTS ({same_session} AND {unfinished}))"


def _marks(name: str, count: int) -> str:
    return ", ".join(f"%({name}{number})s" for number in range(count))


def _listed(values: Collection[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _table() -> str:
    return connection.ops.quote_name(Operation._meta.db_table)


def _quoted(field: models.Field[Any, Any]) -> str:
    return connection.ops.quote_name(str(field.column))

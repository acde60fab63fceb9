"""Statements of which each depends on those before it having found all their rows.

That is the usual case, and PostgreSQL then does them in one statement, in one round trip: each part
is guarded by how many rows the parts before it found. Where one found fewer, what follows it has
not happened, and goes on with the items that are left. SQLite, which has no round trips and no such
statements, runs one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, TypeVar

from django.db import connection

from operations.database.batch_sql import Row, Statement

Item = TypeVar("Item")
Found = frozenset[Row]
"""What the updates of a stage returned."""


@dataclass(frozen=True)
class Stage(Generic[Item]):
    """What is written for items, and with which of them it goes on: with these very ones, where
    every row was found. All updates of one `write_in_stages` return columns of the same types."""

    write: Callable[[Sequence[Item]], Sequence[Statement]]
    go_on: Callable[[Sequence[Item], Found], Sequence[Item]] = lambda items, _: items


def write_in_stages(items: Sequence[Item], stages: Sequence[Stage[Item]]) -> Sequence[Item]:
    """Write all stages for the items, in the caller's transaction. Returns those with which the
    last goes on."""
    while stages and items:
        found = _run([stage.write(items) for stage in stages])
        for stage, rows in zip(stages, found, strict=False):
            items = stage.go_on(items, rows)
        stages = stages[len(found) :]
    return items


def _run(stages: Sequence[Sequence[Statement]]) -> list[Found]:
    """What each stage found, up to the first that did not find all it asked for: those after it
    have not happened."""
    statements = [statement for stage in stages for statement in stage]
    in_one = len(statements) > 1 and connection.vendor == "postgresql"
    rows = iter(_at_once(stages)) if in_one else (each.run() for each in statements)
    found: list[Found] = []
    for stage in stages:
        of_each = [next(rows) for _ in stage]
        found.append(frozenset(chain.from_iterable(of_each)))
        if any(
            each.asked not in (None, len(its)) for each, its in zip(stage, of_each, strict=True)
        ):
            break
    return found


def _at_once(stages: Sequence[Sequence[Statement]]) -> list[list[Row]]:
    """What each statement returned."""
    parts: list[str] = []
    values: list[Any] = []
    updates: dict[int, Statement] = {}
    for stage in stages:
        guard = " AND ".join(
            f"(SELECT COUNT(*) FROM s{number}) = %s"  # noqa: S608
            for number in updates
        )
        asked = [update.asked for update in updates.values()]
        first = len(parts)
        for each in stage:
            guarded = (
                [each.before, each.joint, guard, each.after] if guard else [each.before, each.after]
            )
            parts.append(f"s{len(parts)} AS ({''.join(guarded)})")
            values += [*each.values, *asked]
        updates |= {first + n: each for n, each in enumerate(stage) if each.asked is not None}
    returned = " UNION ALL ".join(
        f"SELECT {number}, * FROM s{number}"  # noqa: S608
        for number in updates
    )
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(parts)} {returned or 'SELECT 1 WHERE FALSE'}", values)
        rows: list[list[Row]] = [[] for _ in parts]
        for number, *row in cursor.fetchall():
            rows[number].append(tuple(row))
    return [updates[n].read(its) if n in updates else its for n, its in enumerate(rows)]

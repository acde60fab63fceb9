"""One UPDATE that gives every row its own values: `UPDATE … FROM (VALUES …)`.

The ORM has no such statement. Its `bulk_update` writes a CASE for every column and row, which takes
ten times as long (docs/performance.md), and cannot compare a second column or add to one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models


def update_each(
    model: type[models.Model],
    rows: Sequence[Mapping[str, Any]],
    *,
    match: Sequence[str],
    where: Mapping[str, Any],
    same: Mapping[str, Any],
    add: Sequence[str] = (),
) -> int:
    """Update the rows whose `match` fields equal those of one of `rows` and whose `where` fields
    have these values; returns how many there were.

    A row's other fields are set, or added to the stored number where `add` names them (null adds
    nothing); all rows get `same`. Field names are attribute names ("operation_id"). Signals and
    `auto_now` do not happen. Keep the match unique: two of `rows` must not name one stored row.
    """
    fields = {field.attname: field for field in model._meta.concrete_fields}
    names = list(rows[0])
    table = _quoted(model._meta.db_table)

    def prepared(name: str, value: Any) -> Any:
        return fields[name].get_db_prep_save(value, connection)

    def column(name: str) -> str:
        return _quoted(fields[name].column)

    def given(name: str) -> str:
        """What both databases call the columns of VALUES."""
        return f"v.column{names.index(name) + 1}"

    def new_value(name: str) -> str:
        old, new = f"{table}.{column(name)}", given(name)
        return f"COALESCE({old} + {new}, {old}, {new})" if name in add else new

    assignments = [f"{column(name)} = %s" for name in same]
    assignments += [f"{column(name)} = {new_value(name)}" for name in names if name not in match]
    conditions = [f"{table}.{column(name)} = {given(name)}" for name in match]
    conditions += [f"{table}.{column(name)} = %s" for name in where]
    # No CTE: Python's sqlite3 counts the rows of statements that begin with UPDATE alone.
    changes, guard = ", ".join(assignments), " AND ".join(conditions)
    values = f"(VALUES {_values(fields, names, len(rows))}) AS v"
    sql = " ".join(["UPDATE", table, "SET", changes, "FROM", values, "WHERE", guard])
    parameters = [prepared(*item) for item in same.items()]
    parameters += [prepared(name, row[name]) for row in rows for name in names]
    parameters += [prepared(*item) for item in where.items()]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def _values(fields: Mapping[str, models.Field[Any, Any]], names: list[str], rows: int) -> str:
    """PostgreSQL takes the types of VALUES from the first row; SQLite has none to take."""
    plain = f"({', '.join('%s' for _ in names)})"
    if connection.vendor == "sqlite":
        return ", ".join([plain] * rows)
    typed = ", ".join(f"%s::{fields[name].rel_db_type(connection)}" for name in names)
    return ", ".join([f"({typed})", *[plain] * (rows - 1)])


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(name or "")

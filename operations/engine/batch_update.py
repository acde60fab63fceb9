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
        """As SQLite calls the columns of VALUES."""
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
    columns = [[prepared(name, row[name]) for row in rows] for name in names]
    source, given_values = _source([fields[name] for name in names], columns)
    sql = " ".join(["UPDATE", table, "SET", changes, "FROM", source, "WHERE", guard])
    parameters = [prepared(*item) for item in same.items()]
    parameters += [*given_values, *(prepared(*item) for item in where.items())]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def _source(
    fields: list[models.Field[Any, Any]], columns: list[list[Any]]
) -> tuple[str, list[Any]]:
    """The rows as a table `v`, and its parameters. PostgreSQL reads one array a column faster than
    a list of rows; SQLite has no arrays."""
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{field.rel_db_type(connection)}[]" for field in fields)
        names = ", ".join(f"column{number}" for number in range(1, len(fields) + 1))
        return f"UNNEST({arrays}) AS v ({names})", columns
    row = f"({', '.join('%s' for _ in columns)})"
    values = [value for each in zip(*columns, strict=True) for value in each]
    return f"(VALUES {', '.join([row] * len(columns[0]))}) AS v", values


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(name or "")

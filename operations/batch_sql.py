"""One statement for many rows, each with its own values: `INSERT` and `UPDATE … FROM`.

The ORM has no such UPDATE (`bulk_update` writes a CASE for every column and row), and its
`bulk_create` makes an instance of each row, compiles a statement and prepares each field anew. On
the hot path that took longer than the database did (docs/performance.md).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, models

Fields = Mapping[str, "models.Field[Any, Any]"]


def insert_each(
    model: type[models.Model], rows: Sequence[Mapping[str, Any]], *, same: Mapping[str, Any]
) -> None:
    """Insert the rows, which all name the same fields; all get `same`, and the model's defaults for
    the rest. Names are attribute names ("operation_id"). Signals do not happen, and keys that the
    database makes are not told."""
    if not rows:
        return
    fields, defaults = _fields(model), _defaults(model)
    names = list(rows[0])
    constant = {k: v for k, v in {**defaults, **same}.items() if k not in rows[0]}
    source, values = _source([fields[name] for name in names], rows, names)
    given = [f"v.column{number}" for number in range(1, len(names) + 1)]
    targets = ", ".join(_column(fields[name]) for name in [*names, *constant])
    chosen = ", ".join([*given, *[_typed(fields[name]) for name in constant]])
    sql = " ".join(["INSERT INTO", _table(model), f"({targets})", "SELECT", chosen, "FROM", source])
    with connection.cursor() as cursor:
        cursor.execute(sql, [*_prepared(fields, constant), *values])


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
    fields, table, names = _fields(model), _table(model), list(rows[0])

    def given(name: str) -> str:
        return f"v.column{names.index(name) + 1}"

    def new_value(name: str) -> str:
        old, new = f"{table}.{_column(fields[name])}", given(name)
        return f"COALESCE({old} + {new}, {old}, {new})" if name in add else new

    own = [name for name in names if name not in match]
    assignments = [f"{_column(fields[name])} = %s" for name in same]
    assignments += [f"{_column(fields[name])} = {new_value(name)}" for name in own]
    conditions = [f"{table}.{_column(fields[name])} = {given(name)}" for name in match]
    conditions += [f"{table}.{_column(fields[name])} = %s" for name in where]
    source, values = _source([fields[name] for name in names], rows, names)
    changes, guard = ", ".join(assignments), " AND ".join(conditions)
    # No CTE: Python's sqlite3 counts the rows of statements that begin with UPDATE alone.
    sql = " ".join(["UPDATE", table, "SET", changes, "FROM", source, "WHERE", guard])
    with connection.cursor() as cursor:
        cursor.execute(sql, [*_prepared(fields, same), *values, *_prepared(fields, where)])
        return int(cursor.rowcount)


def _source(
    fields: Sequence[models.Field[Any, Any]],
    rows: Sequence[Mapping[str, Any]],
    names: Sequence[str],
) -> tuple[str, list[Any]]:
    """The rows as a table `v` with columns named as SQLite names those of VALUES, and its
    parameters. PostgreSQL reads one array a column faster than a list of rows; SQLite has none."""
    pairs = list(zip(fields, names, strict=True))
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"{_typed(field)}[]" for field in fields)
        columns = ", ".join(f"column{number}" for number in range(1, len(fields) + 1))
        values = [[f.get_db_prep_save(row[n], connection) for row in rows] for f, n in pairs]
        return f"UNNEST({arrays}) AS v ({columns})", values
    row_of_marks = f"({', '.join('%s' for _ in fields)})"
    flat = [f.get_db_prep_save(row[n], connection) for row in rows for f, n in pairs]
    return f"(VALUES {', '.join([row_of_marks] * len(rows))}) AS v", flat


def _prepared(fields: Fields, values: Mapping[str, Any]) -> Iterable[Any]:
    return (fields[name].get_db_prep_save(value, connection) for name, value in values.items())


def _typed(field: models.Field[Any, Any]) -> str:
    """A parameter. PostgreSQL does not see by itself what a bare one in a SELECT is."""
    return f"%s::{_type(field)}" if connection.vendor == "postgresql" else "%s"


@functools.cache
def _type(field: models.Field[Any, Any]) -> str | None:
    return field.rel_db_type(connection)


@functools.cache
def _fields(model: type[models.Model]) -> Fields:
    return {field.attname: field for field in model._meta.concrete_fields}


@functools.cache
def _defaults(model: type[models.Model]) -> Mapping[str, Any]:
    """Of all fields but the key: columns have none of their own in the database."""
    return {
        field.attname: field.get_default()
        for field in model._meta.concrete_fields
        if not field.primary_key
    }


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _column(field: models.Field[Any, Any]) -> str:
    return connection.ops.quote_name(str(field.column))

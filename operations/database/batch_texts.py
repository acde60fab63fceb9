"""The texts of `batch_sql`, each made once for its shape: the columns, and where their values are
from."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

ModelType = type[models.Model]
Names = tuple[str, ...]
Fields = Mapping[str, "models.Field[Any, Any]"]

ARRAYS = 0
"""Of places: PostgreSQL reads one array a column faster than a list of rows; SQLite has none."""


def places_for(connection: BaseDatabaseWrapper, rows: int) -> int:
    return ARRAYS if connection.vendor == "postgresql" and rows > 1 else rows


@functools.lru_cache(maxsize=1024)
def insert_sql(model: ModelType, names: Names, constant: Names, nulls: Names, places: int) -> str:
    fields = fields_of(model)
    known = {*names, *constant, *nulls}
    rest = [f for name, f in fields.items() if name not in known and not f.primary_key]
    given = [f"v.column{number}" for number in range(1, len(names) + 1)]
    given += [_typed(fields[name]) for name in constant]
    columns = [*(fields[name] for name in (*names, *constant, *nulls)), *rest]
    targets = ", ".join(map(_column, columns))
    literals = [*("NULL" for _ in nulls), *(_literal(field.get_default()) for field in rest)]
    chosen = ", ".join([*given, *literals])
    source = _source([fields[name] for name in names], places)
    return " ".join(
        ["INSERT INTO", _table(model), f"({targets})", "SELECT", chosen, "FROM", source]
    )


class UpdateShape(NamedTuple):
    """The arguments of `update_each`, without the values that are sent."""

    match: Names
    where: Names
    nulls: Names
    same: Names
    cleared: Names
    """Likewise, to null."""
    add: Names
    raised: tuple[tuple[str, int], ...]
    returning: Names

    @property
    def returned(self) -> Names:
        return self.returning or self.match


@functools.lru_cache(maxsize=1024)
def update_sql(model: ModelType, names: Names, shape: UpdateShape, places: int) -> tuple[str, str]:
    fields, table = fields_of(model), _table(model)

    def stored(name: str) -> str:
        return f"{table}.{_column(fields[name])}"

    def given(name: str) -> str:
        return f"v.column{names.index(name) + 1}"

    def new_value(name: str) -> str:
        if name not in shape.add:
            return given(name)
        return f"COALESCE({stored(name)} + {given(name)}, {stored(name)}, {given(name)})"

    own = [name for name in names if name not in shape.match]
    assignments = [f"{_column(fields[name])} = %s" for name in shape.same]
    assignments += [f"{_column(fields[name])} = NULL" for name in shape.cleared]
    assignments += [f"{_column(fields[name])} = {stored(name)} + {by}" for name, by in shape.raised]
    assignments += [f"{_column(fields[name])} = {new_value(name)}" for name in own]
    conditions = [f"{stored(name)} = {given(name)}" for name in shape.match]
    conditions += [f"{stored(name)} = %s" for name in shape.where]
    conditions += [f"{stored(name)} IS NULL" for name in shape.nulls]
    source = _source([fields[name] for name in names], places)
    changes, guard = ", ".join(assignments), " AND ".join(conditions)
    found = ", ".join(stored(name) for name in shape.returned)
    before = ["UPDATE", table, "SET", changes, "FROM", source, "WHERE", guard]
    return " ".join(before), f" RETURNING {found}"


def _source(fields: Sequence[models.Field[Any, Any]], places: int) -> str:
    """The rows as a table `v` with columns named as SQLite names those of VALUES."""
    if places == ARRAYS:
        arrays = ", ".join(f"{_typed(field)}[]" for field in fields)
        columns = ", ".join(f"column{number}" for number in range(1, len(fields) + 1))
        return f"UNNEST({arrays}) AS v ({columns})"
    row_of_marks = f"({', '.join(_typed(field) for field in fields)})"
    return f"(VALUES {', '.join([row_of_marks] * places)}) AS v"


def _typed(field: models.Field[Any, Any]) -> str:
    """A parameter. PostgreSQL does not see by itself what a bare one in a SELECT is."""
    connection = connections["default"]
    if connection.vendor != "postgresql":
        return "%s"
    return f"%s::{field.rel_db_type(connection)}"


def _table(model: ModelType) -> str:
    return connections["default"].ops.quote_name(model._meta.db_table)


def _column(field: models.Field[Any, Any]) -> str:
    return connections["default"].ops.quote_name(str(field.column))


@functools.cache
def fields_of(model: ModelType) -> Fields:
    return {field.attname: field for field in model._meta.concrete_fields}


def _literal(value: object) -> str:
    """A default as SQL: columns have none of their own in the database, and a parameter costs more
    than the rest of its column."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, (str, dict, list)):
        text = str(value) if isinstance(value, str) else json.dumps(value)
        return "'{}'".format(text.replace("'", "''").replace("%", "%%"))
    raise TypeError(f"a default that is not the same for all rows: {value!r}")

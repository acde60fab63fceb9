"""One statement for many rows, each with its own values: `INSERT` and `UPDATE … FROM`.

The ORM has no such UPDATE (`bulk_update` writes a CASE for every column and row), and its
`bulk_create` makes an instance of each row, compiles a statement and prepares each field anew. On
the hot path that took longer than the database did (docs/performance.md). Here a statement's text
is made once for each shape.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ParamSpec
from uuid import UUID

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from operations.database.batch_texts import (
    ARRAYS,
    ModelType,
    Names,
    UpdateShape,
    fields_of,
    insert_sql,
    places_for,
    update_sql,
)

P = ParamSpec("P")
Row = tuple[Any, ...]

PLAIN = frozenset({str, int, bool, type(None), UUID, datetime, Decimal})

AS_THEY_ARE = frozenset({str, int, bool, type(None)})
KEEP_THEM = frozenset(
    {
        models.BooleanField,
        models.CharField,
        models.IntegerField,
        models.PositiveIntegerField,
        models.PositiveSmallIntegerField,
        models.TextField,
    }
)
"""Fields that store such values unchanged."""


@dataclass(frozen=True)
class Statement:
    """Its text in two parts, between which one more condition fits."""

    before: str
    joint: str
    """What a further condition begins with."""
    after: str
    values: Sequence[Any]
    asked: int | None = None
    """How many rows an UPDATE is to find; None: an INSERT."""
    returned: Sequence[models.Field[Any, Any]] = ()

    def run(self) -> list[Row]:
        """What it returns of each row that was updated."""
        with connections["default"].cursor() as cursor:
            cursor.execute(self.before + self.after, self.values)
            return self.read(cursor.fetchall()) if self.returned else []

    def read(self, rows: Iterable[Row]) -> list[Row]:
        return [
            tuple(f.to_python(v) for f, v in zip(self.returned, row, strict=True)) for row in rows
        ]


def _run_at_once(make: Callable[P, list[Statement]]) -> Callable[P, list[Row]]:
    """The same, run: what its updates return."""

    def run(*args: P.args, **options: P.kwargs) -> list[Row]:
        return [row for statement in make(*args, **options) for row in statement.run()]

    return run


def insert_statements(
    model: ModelType, rows: Sequence[Mapping[str, Any]], *, same: Mapping[str, Any]
) -> list[Statement]:
    """Insert the rows, which all name the same fields; all get `same`, and the model's defaults for
    the rest. Names are attribute names ("operation_id"). Signals do not happen, and keys that the
    database makes are not told. No statement for no rows."""
    if not rows:
        return []
    # The proxy would look for this thread's connection again at every use.
    connection = connections["default"]
    alike = _alike(rows)
    names = tuple(name for name in rows[0] if name not in alike)
    constant = {name: value for name, value in same.items() if name not in rows[0]} | alike
    nulls, constant = _without_nulls(constant)
    sql = insert_sql(model, names, tuple(constant), nulls, places_for(connection, len(rows)))
    values = [*_prepared(connection, model, constant), *_values(connection, model, names, rows)]
    return [Statement(sql, " WHERE ", "", values)]


def _alike(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all rows have, of all columns but the first: sent once. To write a value into an array
    takes ten times as long as to compare it. Not what is nested, where 1 equals True."""
    first, *others = rows
    return {
        name: value
        for name, value in itertools.islice(first.items(), 1, None)
        if type(value) in PLAIN
        and all(row[name] == value and type(row[name]) is type(value) for row in others)
    }


def _without_nulls(values: Mapping[str, Any]) -> tuple[Names, dict[str, Any]]:
    """The names of those that are null, which the text says, and the others."""
    others = {name: value for name, value in values.items() if value is not None}
    return tuple(name for name in values if name not in others), others


insert_each = _run_at_once(insert_statements)


def insert_instances(instances: Sequence[models.Model]) -> None:
    """Insert these, all of one model, as `save(force_insert=True)` would one by one, without its
    signals. All bring their key, or none does: what the database makes of it is not told."""
    model, has_key = type(instances[0]), instances[0].pk is not None
    fields = [field for field in fields_of(model).values() if has_key or not field.primary_key]
    insert_each(
        model,
        [{f.attname: f.pre_save(one, add=True) for f in fields} for one in instances],
        same={},
    )
    for one in instances:
        one._state.adding, one._state.db = False, "default"


def update_statements(
    model: ModelType,
    rows: Iterable[Mapping[str, Any]],
    *,
    match: Names,
    where: Mapping[str, Any],
    same: Mapping[str, Any],
    add: Names = (),
    raise_by: Mapping[str, int] | None = None,
    returning: Names = (),
) -> list[Statement]:
    """Update the rows whose `match` fields equal those of one of `rows` and whose `where` fields
    have these values (or are null). Returns, of each that was, the `returning` fields as they are
    then; without any, those of `match`.

    A row's other fields are set, or added to the stored number where `add` names them (null adds
    nothing). All rows get `same`, and their numbers are raised by `raise_by`. Field names are
    attribute names ("operation_id"). Signals and `auto_now` do not happen. Keep the match unique:
    two of `rows` must not name one stored row. Rows that name other fields get another statement;
    no rows get none.
    """
    by_names: dict[Names, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_names.setdefault(tuple(row), []).append(row)
    nulls, given = _without_nulls(where)
    raised = raise_by or {}
    connection = connections["default"]
    statements = []
    for names, those in by_names.items():
        alike = {k: v for k, v in _alike(those).items() if k not in match and k not in add}
        names = tuple(name for name in names if name not in alike)
        cleared, all_same = _without_nulls({**same, **alike})
        shape = UpdateShape(
            match,
            tuple(given),
            nulls,
            tuple(all_same),
            cleared,
            add,
            tuple(raised.items()),
            returning,
        )
        before, after = update_sql(model, names, shape, places_for(connection, len(those)))
        values = [
            *_prepared(connection, model, all_same),
            *_values(connection, model, names, those),
            *_prepared(connection, model, given),
        ]
        fields = [fields_of(model)[name] for name in shape.returned]
        statements.append(Statement(before, " AND ", after, values, len(those), fields))
    return statements


update_each = _run_at_once(update_statements)


# --- Values -------------------------------------------------------------------------------------


def _values(
    connection: BaseDatabaseWrapper,
    model: ModelType,
    names: Names,
    rows: Sequence[Mapping[str, Any]],
) -> list[Any]:
    fields = fields_of(model)
    columns = [[_stored(fields[name], row[name], connection) for row in rows] for name in names]
    if places_for(connection, len(rows)) == ARRAYS:
        return columns
    return [value for row in zip(*columns, strict=True) for value in row]


def _prepared(
    connection: BaseDatabaseWrapper, model: ModelType, values: Mapping[str, Any]
) -> Iterable[Any]:
    fields = fields_of(model)
    return (_stored(fields[name], value, connection) for name, value in values.items())


def _stored(field: models.Field[Any, Any], value: Any, connection: BaseDatabaseWrapper) -> Any:
    """Django asks four functions of a field, each calling the next, for what is most often the
    value itself."""
    if type(value) in AS_THEY_ARE and type(field) in KEEP_THEM:
        return value
    return field.get_db_prep_save(value, connection)

"""Rows of statements written once, as instances of their model.

`Manager.raw` gives the same, but works out its columns and their converters anew for each look, one
that finds nothing too: that took five times as long as SQLite itself (docs/performance.md).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from django.db import connections, models

M = TypeVar("M", bound=models.Model)


def instances_of(model: type[M], rows: Iterable[Sequence[Any]]) -> list[M]:
    """Of rows that hold all columns, in the order of the model's concrete fields."""
    connection = connections["default"]
    names, converters = _columns(model, connection.vendor)
    found = []
    for row in rows:
        values = list(row)
        for index, convert, column in converters:
            values[index] = convert(values[index], column, connection)
        found.append(model.from_db("default", names, values))
    return found


@functools.cache
def _columns(
    model: type[models.Model], _vendor: str
) -> tuple[list[str], list[tuple[int, Callable[..., Any], Any]]]:
    """Their names, and what makes Python's values of those that the database keeps otherwise, in
    the order of Django's own compiler: first what is the database's, then what is the field's."""
    connection = connections["default"]
    fields = model._meta.concrete_fields
    columns = [field.get_col(model._meta.db_table) for field in fields]
    converters = [
        (index, convert, column)
        for index, column in enumerate(columns)
        for convert in (
            *connection.ops.get_db_converters(column),
            *column.get_db_converters(connection),
        )
    ]
    return [field.attname for field in fields], converters

"""Reads whose SQL Django writes once in a process.

A queryset is a tree that Django copies, resolves and writes anew for each use: of a look at one row
that took up to twenty times as long as the database's answer (docs/performance.md). Here all but
the values stays. The rows are read as Django reads them, with what was joined or annotated.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connections
from django.db.models import Expression, Model, QuerySet
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=Model)
R = TypeVar("R")


class Place(Expression):
    """Where a value of this field will be."""

    def __init__(self, name: str, field: Any) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, *_: Any, **__: Any) -> Any:
        return "%s", [self]


class WrittenOnce(Generic[M, R]):
    """Of a queryset with `Place`s. All else in it has to be the same for ever: the time is
    `DatabaseNow`'s, and a list of values none that grows."""

    def __init__(self, make: Callable[[], QuerySet[M, R]]) -> None:
        self._make = make
        self._written: dict[str, _Written] = {}

    def __call__(self, **values: Any) -> list[R]:
        connection = connections["default"]
        written = self._written.get(connection.vendor)
        if written is None:
            written = self._written[connection.vendor] = _write(self._make())
        params = [
            each.output_field.get_db_prep_value(values[each.name], connection)
            if isinstance(each, Place)
            else each
            for each in written.params
        ]
        return list(written.queryset(connection, params))

    def first(self, **values: Any) -> R | None:
        return next(iter(self(**values)), None)


class _Written(NamedTuple):
    made: QuerySet[Any, Any]
    compiler: SQLCompiler
    sql: str
    params: tuple[Any, ...]
    converters: Any

    def queryset(self, connection: Any, params: list[Any]) -> QuerySet[Any, Any]:
        """A new one, whose compiler has nothing left to do."""
        compiler: Any = copy.copy(self.compiler)
        compiler.connection = connection  # each thread has its own
        compiler.as_sql = lambda *_, **__: (self.sql, params)
        compiler.get_converters = lambda _: self.converters
        query: Any = copy.copy(self.made.query)
        query.get_compiler = lambda *_, **__: compiler
        queryset = type(self.made)(model=self.made.model, query=query)
        vars(queryset).update(_iterable_class=self.made._iterable_class, _fields=self.made._fields)  # type: ignore[attr-defined]
        return queryset


def _write(made: QuerySet[Any, Any]) -> _Written:
    compiler = made.query.get_compiler(using="default")
    sql, params = compiler.as_sql()
    expressions = [each[0] for each in compiler.select[: compiler.col_count]]
    return _Written(made, compiler, sql, tuple(params), compiler.get_converters(expressions))

"""Reads whose SQL Django writes once in a process.

A queryset is a tree that Django copies, resolves and writes anew for each use: of a look at one row
that took up to twenty times as long as the database's answer (docs/performance.md). Here all but
the values stays. The rows are read as Django reads them, with what was joined or annotated.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Generic, TypeVar

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
        self._written: dict[str, tuple[QuerySet[M, R], SQLCompiler, str, tuple[Any, ...]]] = {}

    def __call__(self, **values: Any) -> list[R]:
        connection = connections["default"]
        if connection.vendor not in self._written:
            self._written[connection.vendor] = self._write()
        made, template, sql, params = self._written[connection.vendor]
        given = [
            each.output_field.get_db_prep_value(values[each.name], connection)
            if isinstance(each, Place)
            else each
            for each in params
        ]
        compiler = copy.copy(template)
        compiler.connection = connection  # each thread has its own
        compiler.as_sql = lambda *_, **__: (sql, given)  # type: ignore[method-assign,assignment]
        query = copy.copy(made.query)
        query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]
        rows = type(made)(model=made.model, query=query)
        rows._iterable_class, rows._fields = made._iterable_class, made._fields  # type: ignore[attr-defined]
        return list(rows)

    def _write(self) -> tuple[QuerySet[M, R], SQLCompiler, str, tuple[Any, ...]]:
        made = self._make()
        compiler = made.query.get_compiler(using="default")
        sql, params = compiler.as_sql()
        return made, compiler, sql, tuple(params)

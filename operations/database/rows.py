"""Rows of statements written once, as instances of their model.

`Manager.raw` gives the same, but works out its columns and their converters anew for each look, one
that finds nothing too: that took five times as long as SQLite itself (docs/performance.md).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import models

M = TypeVar("M", bound=models.Model)


def instances_of(model: type[M], rows: Sequence[Sequence[Any]]) -> list[M]:
    """Of rows that hold all columns, in the order of the model's concrete fields."""
    if not rows:
        return []
    compiler = model._base_manager.all().query.get_compiler("default")
    names, converters = _columns(model, compiler.connection.vendor)
    values = compiler.apply_converters(rows, converters)
    return [model.from_db("default", names, each) for each in values]


@functools.cache
def _columns(model: type[models.Model], _vendor: str) -> tuple[list[str], Any]:
    """Their names, and what makes Python's values of those that the database keeps otherwise."""
    fields = model._meta.concrete_fields
    compiler = model._base_manager.all().query.get_compiler("default")
    columns = [field.get_col(model._meta.db_table) for field in fields]
    return [field.attname for field in fields], compiler.get_converters(columns)

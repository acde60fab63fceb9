"""What the engine does with the rows that a kind gives it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Model


def insert(rows: Iterable[Model]) -> None:
    for row in rows:
        row.save(force_insert=True)

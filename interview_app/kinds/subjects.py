"""The rows that operations are about, read for a group of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from django.db.models import Model, QuerySet

from operations.models import Operation

Row = TypeVar("Row", bound=Model)


def by_subject(rows: QuerySet[Row], operations: Iterable[Operation]) -> dict[str, Row]:
    """By subject id; one that is gone is missing."""
    found = rows.filter(pk__in=[operation.subject_id for operation in operations])
    return {str(row.pk): row for row in found}

"""A CSV file that is sent while it is written, and never looks whole where it is not.

What fails in the middle comes after the status 200, and a web server may end such a response like
any other (granian does). So the last line says it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import structlog
from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse

from operations.database.trouble import is_trouble, leave_connection

logger = structlog.get_logger("operations")

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
BATCH = 2000
CUT = "NOT COMPLETE: something failed while this was written. Export it again."


def csv_response(rows: Iterable[Sequence[str]], *, filename: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(_lines(rows), content_type="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def by_key(rows: QuerySet[Any]) -> Iterator[Any]:
    """All rows in the order of their keys, a batch a statement: a cursor of the server's is lost
    where a pooler hands each transaction to another connection."""
    last: Model | None = None
    while batch := list(rows.filter(pk__gt=last.pk if last else 0).order_by("pk")[:BATCH]):
        yield from batch
        last = batch[-1]


def safe_cell(text: str) -> str:
    """A spreadsheet runs a cell that begins like a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


class _Echo:
    """Hands each line of the CSV writer on instead of keeping the file in memory."""

    def write(self, line: str) -> str:
        return line


def _lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    try:
        for row in rows:
            yield writer.writerow([safe_cell(cell) for cell in row])
    except Exception as error:
        if is_trouble(error):
            leave_connection()
        logger.exception("export.cut")
        yield writer.writerow([CUT])

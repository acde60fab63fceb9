"""Everything that is left behind, as text to be searched for what must not be in it."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator

from django.db import connection


@contextlib.contextmanager
def captured_logs() -> Iterator[io.StringIO]:
    """What the configured formatter writes, for every logger, from DEBUG on."""
    root = logging.getLogger()
    formatter = next(h.formatter for h in root.handlers if h.formatter is not None)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def database_text() -> str:
    """Every value of every table."""
    values: list[str] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            values += [repr(row) for row in cursor.fetchall()]
    return "\n".join(values)

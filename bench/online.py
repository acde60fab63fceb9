"""What migrations cost who writes meanwhile: each shape once, on a table with many rows.

    DATABASE_URL=postgres://… python -m bench.online 1000000

Makes a table of its own and drops it again; PostgreSQL alone. Prints one JSON object: for each
shape seconds of the migration, the writes of one person meanwhile, milliseconds of the longest one,
and how many were refused, because the product waits for a lock for some seconds only.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DJANGO_DEBUG", "true")
django.setup()

from django.db import OperationalError, connection, models  # noqa: E402
from django.db.migrations import AddField, AddIndex, CreateModel, DeleteModel  # noqa: E402
from django.db.migrations.operations.base import Operation  # noqa: E402
from django.db.migrations.state import ProjectState  # noqa: E402

from operations.database.online import AddIndexOnline  # noqa: E402

APP = "bench_online"
KEY = ("id", models.BigAutoField(primary_key=True))
BEGIN = CreateModel("Note", [KEY, ("text", models.TextField())])
SHAPES: dict[str, Operation] = {
    "column that may be empty": AddField("note", "hint", models.TextField(null=True)),
    "default in the database": AddField("note", "n", models.IntegerField(default=0, db_default=0)),
    "table": CreateModel("Tag", [KEY]),
    "index beside writers": AddIndexOnline("note", models.Index(fields=["text"], name="beside")),
    # What the gate refuses, for comparison.
    "index under a lock": AddIndex("note", models.Index(fields=["text"], name="locked")),
}
FILL = f"INSERT INTO {APP}_note (text) SELECT md5(g::text) FROM generate_series(1, %s) g"  # noqa: S608
WRITE = f"INSERT INTO {APP}_note (text) VALUES ('written meanwhile')"  # noqa: S608
PAUSE_SECONDS = 0.002


def main() -> None:
    state = apply(BEGIN, ProjectState())
    try:
        with connection.cursor() as cursor:
            cursor.execute(FILL, [int(sys.argv[1])])
        figures = {}
        for name, shape in SHAPES.items():
            with Writer() as writer:
                begin = time.monotonic()
                state = apply(shape, state)
                seconds = time.monotonic() - begin
            figures[name] = {
                "seconds": round(seconds, 2),
                "writes": len(writer.waits),
                "longest_ms": round(max(writer.waits) * 1000, 1),
                "refused": writer.refused,
            }
        print(json.dumps(figures, indent=2))
    finally:
        for name in [each.name for each in state.models.values()]:
            state = apply(DeleteModel(name), state)


def apply(operation: Operation, before: ProjectState) -> ProjectState:
    after = before.clone()
    operation.state_forwards(APP, after)
    with connection.schema_editor(atomic=not isinstance(operation, AddIndexOnline)) as editor:
        operation.database_forwards(APP, editor, before, after)
    return after


class Writer:
    """One person in a thread, on a connection of their own."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.refused = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Writer:
        self._thread.start()
        while not self.waits:
            time.sleep(PAUSE_SECONDS)
        return self

    def __exit__(self, *_: Any) -> None:
        self._stop.set()
        self._thread.join()

    def _write(self) -> None:
        try:
            with connection.cursor() as cursor:
                while not self._stop.wait(PAUSE_SECONDS):
                    begin = time.monotonic()
                    try:
                        cursor.execute(WRITE)
                    except OperationalError:
                        self.refused += 1
                    self.waits.append(time.monotonic() - begin)
        finally:
            connection.close()


if __name__ == "__main__":
    main()

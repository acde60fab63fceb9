"""What all peers have in common: their status is in the job's row."""

from __future__ import annotations

from django.db import connection

from bench.options import Run
from bench.work.models import Job


class JobRows:
    def __init__(self, run: Run) -> None:
        self.run = run

    def unfinished(self) -> int:
        ended = (Job.Status.COMPLETED, Job.Status.FAILED)
        return Job.objects.exclude(status__in=ended).count()


def count_rows(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  (our own table names)
        (count,) = cursor.fetchone()
    return int(count)

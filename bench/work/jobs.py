"""Rows of jobs: made for every side alike, and read back as times."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from bench.clock import database_now
from bench.content import make_prompt
from bench.work.models import Job
from operations.models import Operation

BATCH = 1000


@dataclass(frozen=True)
class Times:
    """Of one job, from the rows: the database's clock, but for `created`, which the submitting
    process takes just before its INSERT. All processes are on one machine."""

    job_id: str
    created: datetime
    started: datetime
    finished: datetime


def make_jobs(count: int) -> tuple[list[str], datetime]:
    """Committed at once, nobody told yet. Returns their ids and a time that none is older than."""
    at = database_now()
    jobs = [
        Job(id=(pk := uuid.uuid4()), prompt=make_prompt(pk), created_at=at) for _ in range(count)
    ]
    Job.objects.bulk_create(jobs, batch_size=BATCH)
    return [str(job.pk) for job in jobs], at


def make_job() -> str:
    pk = uuid.uuid4()
    Job.objects.create(id=pk, prompt=make_prompt(pk), created_at=timezone.now())
    return str(pk)


def settle_database() -> None:
    """Nobody pays in the window for what was written before it, or plans without statistics."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("CHECKPOINT")


def times_since(at: datetime, *, ours: bool) -> list[Times]:
    """Of the jobs made at or after `at` that have ended."""
    rows: QuerySet[Any] = Operation.objects.all() if ours else Job.objects.all()
    return [
        Times(str(row[0]), *row[1:])
        for row in rows.filter(created_at__gte=at, finished_at__isnull=False).values_list(
            "subject_id" if ours else "pk", "created_at", "started_at", "finished_at"
        )
    ]

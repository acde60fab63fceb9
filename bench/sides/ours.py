"""Ours: the product's own worker command, with its ledger, logs, metrics and fencing."""

from __future__ import annotations

import sys
from datetime import datetime

from django.db import transaction

from bench.clock import database_now
from bench.options import Run
from operations.models import Operation, WorkerHeartbeat
from operations.services import submit_operation

KIND = "bench_feedback"
SUBJECT = "bench_job"
BATCH = 1000


class Ours:
    def __init__(self, run: Run) -> None:
        self.run = run

    def commands(self) -> list[list[str]]:
        return [[sys.executable, "manage.py", "operations_worker"]]

    def is_ready(self) -> bool:
        return WorkerHeartbeat.objects.filter(accepts_work=True).count() == self.run.processes

    @transaction.atomic
    def enqueue(self, job_ids: list[str]) -> None:
        """One by the product's own verb. A backlog as rows of the same shape, which costs nobody
        anything in the window: how they came is not measured."""
        first = submit_operation(kind=KIND, subject_type=SUBJECT, subject_id=job_ids[0], door="api")
        at: datetime = database_now()
        Operation.objects.bulk_create(
            (
                Operation(
                    kind=KIND,
                    subject_type=SUBJECT,
                    subject_id=job_id,
                    credential=first.credential,
                    queued_at=at,
                    turn_at=at,
                )
                for job_id in job_ids[1:]
            ),
            batch_size=BATCH,
        )

    def unfinished(self) -> int:
        return Operation.objects.filter(status__in=Operation.UNFINISHED).count()


make = Ours

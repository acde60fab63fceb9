"""The task of every peer that runs in threads or processes: what a careful user would write."""

from __future__ import annotations

import openai
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from bench.peers.calling import RUN, ask, retrying
from bench.work.models import Job
from bench.work.writing import result_row


def run_job(job_id: str) -> None:
    job = Job.objects.get(pk=job_id)
    # Brokers deliver at least once: only one of two deliveries may ask the provider.
    taken = Job.objects.filter(pk=job_id, status=Job.Status.PENDING).update(
        status=Job.Status.RUNNING, attempts=F("attempts") + 1, started_at=Now()
    )
    if not taken:
        return
    if RUN.variant.pool:
        connection.close()  # back into the pool while the call lasts
    try:
        feedback, model = retrying(ask)(job.prompt)
    except openai.OpenAIError:
        Job.objects.filter(pk=job_id).update(
            status=Job.Status.FAILED, attempts=RUN.calls_each, finished_at=Now()
        )
    else:
        with transaction.atomic():
            Job.objects.filter(pk=job_id).update(status=Job.Status.COMPLETED, finished_at=Now())
            result_row(job_id, feedback, model).save(force_insert=True)
    if RUN.variant.pool:
        connection.close()

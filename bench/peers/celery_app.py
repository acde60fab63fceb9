"""Celery as docs.celeryq.dev/en/stable/django/first-steps-with-django.html sets it up."""

from __future__ import annotations

import django

django.setup()

import celery  # noqa: E402
import redis  # noqa: E402
from celery.signals import worker_ready  # noqa: E402
from django.conf import settings  # noqa: E402

from bench.peers.work import run_job  # noqa: E402

READY_KEY = "bench:ready"

app = celery.Celery("bench", broker=settings.REDIS_URL)
app.conf.update(
    # userguide/tasks.html, "Ignore results you don't want": our answer is a row.
    task_ignore_result=True,
    # userguide/optimizing.html, "Prefetch limits": 1 for each thread where tasks take long.
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    # Read by Celery's Django fixup: without it, it closes the thread's connection after each task.
    CELERY_DB_REUSE_MAX=1_000_000_000,
)


@app.task(name="bench.run_job")
def run(job_id: str) -> None:
    run_job(job_id)


@worker_ready.connect
def _tell_ready(**_: object) -> None:
    redis.Redis.from_url(settings.REDIS_URL).incr(READY_KEY)

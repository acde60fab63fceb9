"""Celery's thread pool on Redis; its settings are in `bench.peers.celery_app`."""

from __future__ import annotations

import sys

import redis

from bench.peers.celery_app import READY_KEY, app, run
from bench.sides.rows import JobRows


class CeleryThreads(JobRows):
    def commands(self) -> list[list[str]]:
        # userguide/workers.html: several workers on one machine need names of their own. What
        # workers tell each other is not needed here and costs messages.
        pool = ["--pool", "threads", "--concurrency", str(self.run.concurrency)]
        quiet = ["--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
        celery = [sys.executable, "-m", "celery", "-A", "bench.peers.celery_app", "worker"]
        return [
            [*celery, *pool, *quiet, "--hostname", f"bench{number}@%h"]
            for number in range(self.run.processes)
        ]

    def is_ready(self) -> bool:
        ready = redis.Redis.from_url(self.run.redis_url).get(READY_KEY)
        return int(ready or 0) == self.run.processes

    def enqueue(self, job_ids: list[str]) -> None:
        with app.producer_or_acquire() as producer:
            for job_id in job_ids:
                run.apply_async((job_id,), producer=producer)


make = CeleryThreads

"""dramatiq on Redis; its settings are in `bench.peers.dramatiq_app`."""

from __future__ import annotations

import sys

import redis

from bench.peers.dramatiq_app import READY_KEY, run
from bench.sides.rows import JobRows


class Dramatiq(JobRows):
    def commands(self) -> list[list[str]]:
        size = ["--processes", str(self.run.processes), "--threads", str(self.run.concurrency)]
        return [[sys.executable, "-m", "dramatiq", "bench.peers.dramatiq_app", *size]]

    def is_ready(self) -> bool:
        ready = redis.Redis.from_url(self.run.redis_url).get(READY_KEY)
        return int(ready or 0) == self.run.processes

    def enqueue(self, job_ids: list[str]) -> None:
        for job_id in job_ids:
            run.send(job_id)


make = Dramatiq

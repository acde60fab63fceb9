"""procrastinate on PostgreSQL; its settings are in `bench.peers.procrastinate_app`."""

from __future__ import annotations

import sys

from bench.options import Run
from bench.peers.procrastinate_app import app, run
from bench.sides.rows import JobRows, count_rows


class Procrastinate(JobRows):
    def __init__(self, run: Run) -> None:
        super().__init__(run)
        app.open()

    def commands(self) -> list[list[str]]:
        app_option = ["--app", "bench.peers.procrastinate_app.app"]
        worker = ["worker", "--concurrency", str(self.run.concurrency)]
        command = [sys.executable, "-m", "procrastinate", *app_option, *worker]
        return [command for _ in range(self.run.processes)]

    def is_ready(self) -> bool:
        return count_rows("procrastinate_workers") == self.run.processes

    def enqueue(self, job_ids: list[str]) -> None:
        run.batch_defer(*({"job_id": job_id} for job_id in job_ids))


make = Procrastinate

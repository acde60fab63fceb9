"""Stock django-q2 on Redis; its settings are in `bench.settings`."""

from __future__ import annotations

import sys

from django_q.brokers import get_broker
from django_q.status import Stat
from django_q.tasks import async_task

from bench.sides.rows import JobRows


class DjangoQ2(JobRows):
    def commands(self) -> list[list[str]]:
        # The product's own checks refuse any Q_CLUSTER but its own.
        return [[sys.executable, "manage.py", "qcluster", "--skip-checks"]]

    def is_ready(self) -> bool:
        return any(len(stat.workers) == self.run.concurrency for stat in Stat.get_all())

    def enqueue(self, job_ids: list[str]) -> None:
        broker = get_broker()
        for job_id in job_ids:
            async_task("bench.peers.work.run_job", job_id, broker=broker)


make = DjangoQ2

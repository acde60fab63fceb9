"""dramatiq as dramatiq.io/guide.html sets it up, on Redis. Its defaults: two messages prefetched
for each thread, acknowledged when done. The results back-end is left out: our answer is a row."""

from __future__ import annotations

import django

django.setup()

import dramatiq  # noqa: E402
import redis  # noqa: E402
from django.conf import settings  # noqa: E402
from dramatiq.brokers.redis import RedisBroker  # noqa: E402

from bench.peers.work import run_job  # noqa: E402

READY_KEY = "bench:ready"


class TellReady(dramatiq.Middleware):
    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        redis.Redis.from_url(settings.REDIS_URL).incr(READY_KEY)


broker = RedisBroker(url=settings.REDIS_URL)
broker.add_middleware(TellReady())
dramatiq.set_broker(broker)


@dramatiq.actor(max_retries=0)
def run(job_id: str) -> None:
    run_job(job_id)

"""What is measured around the rows: CPU by who used it, memory, and the wait for the end."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass

from bench import processes
from bench.options import Run
from bench.services import Stub
from bench.sides import Side

STALLED_SECONDS = 60.0
"""Without one more answer: the run is broken off and void."""


class Stalled(SystemExit):
    """Work stopped coming to an end."""


@dataclass
class Machine:
    """A run whose workers are warm."""

    run: Run
    side: Side
    stub: Stub
    workers: list[subprocess.Popen[bytes]]

    @property
    def worker_pids(self) -> list[int]:
        return [worker.pid for worker in self.workers]

    def cpu(self) -> dict[str, float]:
        """Seconds so far. The bench's own process is the producer where a run has one."""
        return {
            "worker": processes.cpu_seconds(self.worker_pids),
            "postgresql": processes.cpu_seconds([self.run.postgresql_pid]),
            "redis": processes.cpu_seconds([self.run.redis_pid]),
            "stub": processes.cpu_seconds([self.stub.process.pid]),
            "bench": sum(os.times()[:2]),
        }

    def cpu_at_rest(self, seconds: float) -> dict[str, float]:
        """Milliseconds of CPU a second, by who used them while nobody submitted anything."""
        before = self.cpu()
        time.sleep(seconds)
        after = self.cpu()
        return {who: 1000 * (after[who] - before[who]) / seconds for who in before}

    def wait_for_answers(self, count: int) -> None:
        """Until the stub has given so many answers and no job is left. It asks the stub, so that
        watching costs the database nothing."""
        seen, since = -1, time.monotonic()
        while True:
            answered = self.stub.figures()["answered"]
            if answered >= count and not self.side.unfinished():
                return
            if answered != seen:
                seen, since = answered, time.monotonic()
            elif time.monotonic() - since > STALLED_SECONDS:
                raise Stalled(f"stalled with {answered} of {count} answers")
            time.sleep(0.1)


def per_job(before: dict[str, float], after: dict[str, float], count: int) -> dict[str, float]:
    """Milliseconds of CPU a job, by who used them."""
    return {
        f"{who}_cpu_ms": round(1000 * (after[who] - before[who]) / count, 3)
        for who in before
        if who != "bench"
    }

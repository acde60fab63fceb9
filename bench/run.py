"""The process of one run: `python -m bench.run`, with its options in the environment.

Starts the stub and the workers, warms them up, runs the mode, verifies every row and prints one
JSON object as its last line. Ends everything that it started.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import django

from bench.options import Run, current_run

django.setup()

from bench import processes  # noqa: E402
from bench.bystanders import Machine  # noqa: E402
from bench.modes import MODES  # noqa: E402
from bench.services import Stub, running_stub  # noqa: E402
from bench.sides import Side  # noqa: E402
from bench.sides.registry import side_of  # noqa: E402
from bench.verify import problems, spoil_one_row  # noqa: E402
from bench.work.jobs import make_jobs  # noqa: E402

WARM_UP_LATENCY = 0.5
"""Long enough that a job which holds a worker leaves the next job to another one."""

START_SECONDS = 90.0


def main() -> int:
    run = current_run()
    with running_stub(run.stub_port, WARM_UP_LATENCY, run.environment()) as stub:
        side = side_of(run)
        log = Path(run.directory) / "workers.log"
        workers = [processes.start(one, run.environment(), log) for one in side.commands()]
        try:
            machine = Machine(run, side, stub, workers)
            wait_until_ready(side, workers)
            warm_up(run, side, stub)
            figures: dict[str, Any] = MODES[run.mode](machine)
        finally:
            processes.stop(workers)
        if run.mode not in ("flight", "web"):  # they look after their rows themselves
            figures["problems"] = _verify(run, stub)
    print(json.dumps(figures))
    return 0


def wait_until_ready(side: Side, workers: list[Any]) -> None:
    end = time.monotonic() + START_SECONDS
    while not side.is_ready():
        if time.monotonic() > end or any(worker.poll() is not None for worker in workers):
            raise SystemExit("the workers did not come up: see their log")
        time.sleep(0.1)


def warm_up(run: Run, side: Side, stub: Stub) -> None:
    """Imports, clients, connections, thread stacks and plans are in nobody's window: as many jobs
    as calls in flight, twice that where each worker is a process."""
    count = max(16, run.in_flight * (2 if run.side == "django_q2" else 1))
    job_ids, _ = make_jobs(count)
    side.enqueue(job_ids)
    end = time.monotonic() + START_SECONDS
    while side.unfinished():
        if time.monotonic() > end:
            raise SystemExit("the warm-up did not end: see the workers' log")
        time.sleep(0.1)
    stub.set_latency(run.latency)
    stub.set_status(run.outage)


def _verify(run: Run, stub: Stub) -> list[str]:
    spoilt = [f"spoilt on purpose: {spoil_one_row()}"] if run.damage else []
    counted = stub.figures()
    return spoilt + problems(run, calls=counted["answered"], refused=counted["refused"])


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    raise SystemExit(main())

"""One step of the engine in a process of its own, which a test lets die at a failpoint.

python -m operations.tests.mortal drain|drain_and_stop|submit|sweep|retry …
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import django
from django.apps import apps
from django.db import transaction

if not apps.ready:  # a process of its own, not the test that calls a step here
    django.setup()

from operations import services
from operations.engine import leases
from operations.engine.drain import Drain
from operations.models import Operation
from operations.tests.invariants import violations


def drain() -> None:
    asyncio.run(Drain(until_idle=True).run())


def drain_and_stop() -> None:
    """As at a shutdown: the calls are under way and do not end within the grace."""

    async def run() -> None:
        drain = Drain()
        running = asyncio.create_task(drain.run())
        while not drain._runs:
            await asyncio.sleep(0.02)
        drain.stop()
        await running

    asyncio.run(run())


def submit() -> None:
    services.submit_operation(
        kind="judgement", subject_type="test", subject_id="mortal", door="command"
    )


def sweep() -> None:
    leases.sweep()


def retry() -> None:
    for operation in Operation.objects.filter(status__in=Operation.RETRYABLE):
        services.retry_operation(operation_id=operation.pk, door="command")


def submit_ten() -> None:
    for number in range(10):
        services.submit_operation(
            kind="judgement", subject_type="test", subject_id=number, door="command"
        )


def submit_many() -> None:
    """All at once: those who wait have a full queue."""
    with transaction.atomic():
        for number in range(int(sys.argv[2])):
            services.submit_operation(
                kind="judgement", subject_type="test", subject_id=number, door="command"
            )


def finish() -> None:
    """What a supervisor does: sweep and drain until nothing is left."""
    while Operation.objects.filter(status__in=Operation.UNFINISHED).exists():
        leases.sweep()
        asyncio.run(Drain(supervisor="another", until_idle=True).run())
        time.sleep(0.1)


def report() -> None:
    """Each operation's status, and what is wrong in the ledger, for a test on another database."""
    statuses = list(Operation.objects.values_list("status", flat=True))
    json.dump({"statuses": statuses, "violations": violations()}, sys.stdout)


STEPS = (drain, drain_and_stop, submit, submit_ten, submit_many, sweep, retry, finish, report)

if __name__ == "__main__":
    {step.__name__: step for step in STEPS}[sys.argv[1]]()

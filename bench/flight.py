"""Ours alone: a thousand calls in flight in two processes. Memory, nothing dropped, and how long a
cancellation and a SIGTERM take (calls that the default grace of 25 s does not see end are released:
they are pending again)."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from bench.bystanders import Machine
from bench.processes import MemoryWatch
from bench.work.jobs import make_jobs
from operations.models import Operation
from operations.services import cancel_operation

PATIENCE_SECONDS = 60.0
RESTING = (Operation.Status.PENDING, Operation.Status.COMPLETED, Operation.Status.CANCELLED)


def flight(machine: Machine) -> dict[str, Any]:
    """Twice: cancel one of the calls and let the rest end; then SIGTERM in the middle."""
    figures: dict[str, Any] = {}
    warmed_up = _count(Operation.Status.COMPLETED)
    with MemoryWatch(machine.worker_pids) as memory:
        figures["seconds_to_all_in_flight"] = _fill(machine)
        figures["cancel_ms"] = _cancel_one(machine.run.count // 2)
        machine.wait_for_answers(0)
    figures["pss_mb"] = round(memory.peak_bytes / 1_000_000, 1)
    figures["processes"] = memory.processes
    figures["completed"] = _count(Operation.Status.COMPLETED) - warmed_up
    figures["cancelled"] = _count(Operation.Status.CANCELLED)
    completed = warmed_up + figures["completed"]
    _fill(machine)
    supervisor = machine.workers[0]
    before = time.monotonic()
    supervisor.terminate()
    figures["sigterm_exit_code"] = supervisor.wait(PATIENCE_SECONDS)
    figures["sigterm_seconds"] = round(time.monotonic() - before, 2)
    figures["completed_after_sigterm"] = _count(Operation.Status.COMPLETED) - completed
    figures["released_after_sigterm"] = _count(Operation.Status.PENDING)
    figures["problems"] = _problems(figures, machine.run.count)
    return figures


def _fill(machine: Machine) -> float:
    """Enqueue and wait until the stub holds all of them at once. Returns the seconds it took."""
    start = time.monotonic()
    job_ids, _ = make_jobs(machine.run.count)
    machine.side.enqueue(job_ids)
    while Operation.objects.filter(status=Operation.Status.RUNNING).count() < machine.run.count:
        if time.monotonic() - start > PATIENCE_SECONDS:
            raise SystemExit("not all calls came to be in flight")
        time.sleep(0.05)
    return round(time.monotonic() - start, 2)


def _cancel_one(number: int) -> float:
    """Milliseconds from the request to the row's final status."""
    running = Operation.objects.filter(status=Operation.Status.RUNNING)
    operation: UUID = running.values_list("pk", flat=True)[number]
    start = time.monotonic()
    cancel_operation(operation_id=operation, door="command")
    while not Operation.objects.filter(pk=operation, status=Operation.Status.CANCELLED).exists():
        if time.monotonic() - start > PATIENCE_SECONDS:
            raise SystemExit("the cancelled operation did not end")
        time.sleep(0.002)
    return round(1000 * (time.monotonic() - start), 1)


def _count(status: str) -> int:
    return Operation.objects.filter(status=status).count()


def _problems(figures: dict[str, Any], count: int) -> list[str]:
    found = []
    odd = Operation.objects.exclude(status__in=RESTING).count()
    if odd:
        found.append(f"{odd} operations are neither done nor waiting")
    if figures["completed_after_sigterm"] + figures["released_after_sigterm"] != count:
        found.append("SIGTERM lost operations")
    if figures["completed"] != count - 1:
        found.append(f"{figures['completed']} operations were completed instead of {count - 1}")
    if figures["cancelled"] != 1:
        found.append(f"{figures['cancelled']} operations were cancelled instead of 1")
    return found

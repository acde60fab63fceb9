"""The modes of a run: what is done with warm workers, and which figures come of it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from bench.bystanders import Machine, per_job
from bench.clock import database_now
from bench.figures import percentiles
from bench.flight import flight
from bench.processes import MemoryWatch, held_still
from bench.rest import rest
from bench.web import web
from bench.work.jobs import Times, make_job, make_jobs, settle_database, times_since

PRODUCERS = 4
"""Threads of the submitting process: each commit waits for the disk, and the others go on."""


def backlog(machine: Machine) -> dict[str, Any]:
    """The window is that of the rows: first start to last finish."""
    run, before = machine.run, machine.stub.figures()["answered"]
    at, cpu = _commit_backlog(machine)
    with MemoryWatch(machine.worker_pids) as memory:
        machine.wait_for_answers(before + run.count * run.calls_each)
        cpu_after = machine.cpu()
    times = times_since(at, ours=run.is_ours)
    return {
        **rates(times, since=min(each.started for each in times)),
        **per_job(cpu, cpu_after, run.count),
        **_memory(memory),
        **_stub(machine),
    }


def _commit_backlog(machine: Machine) -> tuple[datetime, dict[str, float]]:
    """All work is committed while the workers are stopped (SIGSTOP); then they go on. On SQLite one
    of them could be stopped with the only write lock in hand; ours, who alone runs there, gets its
    backlog by one transaction and needs no gate."""
    run = machine.run
    if run.is_sqlite:
        job_ids, at = make_jobs(run.count)
        cpu = machine.cpu()
        machine.side.enqueue(job_ids)
        return at, cpu
    with held_still(machine.worker_pids):
        job_ids, at = make_jobs(run.count)
        machine.side.enqueue(job_ids)
        settle_database()
        return at, machine.cpu()


def producer(machine: Machine) -> dict[str, Any]:
    """End to end: the same machine submits, one transaction a job, while the workers work."""
    run, before = machine.run, machine.stub.figures()["answered"]
    settle_database()
    at, cpu = database_now(), machine.cpu()
    with MemoryWatch(machine.worker_pids) as memory:
        submit_all(machine, [0.0] * run.count)
        machine.wait_for_answers(before + run.count)
        cpu_after = machine.cpu()
    times = times_since(at, ours=run.is_ours)
    return {
        **rates(times, since=min(each.created for each in times)),
        **per_job(cpu, cpu_after, run.count),
        "producer_cpu_ms": round(1000 * (cpu_after["bench"] - cpu["bench"]) / run.count, 3),
        **_memory(memory),
        **_stub(machine),
    }


def paced(machine: Machine) -> dict[str, Any]:
    """Open loop: submissions at a fixed rate, whatever becomes of them. The overhead is what a
    person waits beyond the provider's latency, from the INSERT of the job to its last commit."""
    run, before = machine.run, machine.stub.figures()["answered"]
    settle_database()
    at, cpu = database_now(), machine.cpu()
    submit_all(machine, [number / run.rate for number in range(run.count)])
    machine.wait_for_answers(before + run.count)
    cpu_after = machine.cpu()
    times = times_since(at, ours=run.is_ours)
    seconds = (max(t.created for t in times) - min(t.created for t in times)).total_seconds()
    return {
        "asked_rate": round(run.rate, 1),
        "submitted_rate": round((len(times) - 1) / seconds, 1),
        **per_job(cpu, cpu_after, run.count),
        **percentiles("overhead", [_overhead(each, run.latency) for each in times]),
        **percentiles("start", [_milliseconds(t.created, t.started) for t in times]),
    }


def trickle(machine: Machine) -> dict[str, Any]:
    """A paced run so slow that nothing is shared. The workers would have cost something meanwhile
    without it too: as long without a submission is measured first and stands beside it."""
    run = machine.run
    seconds = run.count / run.rate + run.latency
    settle_database()
    at_rest = machine.cpu_at_rest(seconds)
    return {
        **paced(machine),
        "count": run.count,
        **{
            f"{who}_idle_cpu_ms": round(at_rest[who] * seconds / run.count, 3)
            for who in ("worker", "postgresql", "redis")
        },
    }


def idle(machine: Machine) -> dict[str, Any]:
    """One submission at a time to workers that have been idle for a while. The clock starts before
    the submission: ours has its transaction to commit first, Redis's peers have a message to send.
    """
    run, chance = machine.run, random.Random(7)  # noqa: S311
    answered = machine.stub.figures()["answered"]
    submitted: dict[str, datetime] = {}
    at = database_now()
    for number in range(1, run.count + 1):
        time.sleep(chance.uniform(0.1, 0.9))
        job_id = make_job()
        submitted[job_id] = timezone.now()
        machine.side.enqueue([job_id])
        machine.wait_for_answers(answered + number)
    times = times_since(at, ours=run.is_ours)
    starts = [_milliseconds(submitted[each.job_id], each.started) for each in times]
    return {
        **percentiles("idle_start", starts),
        **percentiles("idle_overhead", [_overhead(each, run.latency) for each in times]),
    }


def submit_all(machine: Machine, due: Sequence[float]) -> None:
    """One job each, `due` seconds from now, by a few threads that share the list."""
    start, lock, numbers = time.monotonic(), threading.Lock(), iter(range(len(due)))

    def work() -> None:
        try:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                if (wait := start + due[number] - time.monotonic()) > 0:
                    time.sleep(wait)
                machine.side.enqueue([make_job()])
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(PRODUCERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def rates(times: list[Times], since: datetime) -> dict[str, Any]:
    """`rate` is that of the whole window, ramp and tail included; `rate_middle` that of the 80 %
    of the answers between the first and the last tenth."""
    finished = sorted(each.finished for each in times)
    seconds = (finished[-1] - since).total_seconds()
    first, last = finished[len(finished) // 10], finished[len(finished) * 9 // 10]
    middle = (last - first).total_seconds()
    return {
        "count": len(times),
        "seconds": round(seconds, 3),
        "rate": round(len(times) / seconds, 2),
        "rate_middle": round(0.8 * len(times) / middle, 2) if middle else None,
    }


def _memory(memory: MemoryWatch) -> dict[str, Any]:
    return {
        "pss_mb": round(memory.peak_bytes / 1_000_000, 1),
        "processes": memory.processes,
    }


def _stub(machine: Machine) -> dict[str, Any]:
    figures = machine.stub.figures()
    return {
        name: figures[name] for name in ("most_in_flight", "shortest_request", "longest_request")
    }


def _overhead(times: Times, latency: float) -> float:
    return _milliseconds(times.created, times.finished) - 1000 * latency


def _milliseconds(first: datetime, last: datetime) -> float:
    return (last - first).total_seconds() * 1000


MODES: dict[str, Callable[[Machine], dict[str, Any]]] = {
    "backlog": backlog,
    "producer": producer,
    "paced": paced,
    "trickle": trickle,
    "idle": idle,
    "rest": rest,
    "flight": flight,
    "web": web,
}

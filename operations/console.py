"""What the operator's console counts: states, errors by window, throughput, latency, workers.

Reads only, a constant number of queries whatever the number of rows. A state here is a status with
its reason: what `queries.waiting` tells of one row, as a condition that counts and filters many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db.models import Count, Func, IntegerField, Q, QuerySet

from operations import pauses, queries
from operations.clock import database_now
from operations.errors import Category
from operations.models import (
    Attempt,
    Operation,
    ProviderPause,
    WorkerHeartbeat,
    WorkerRestart,
)

STUCK_AFTER = timedelta(minutes=5)
"""Due for so long and not taken: either no worker lives or more comes in than they can do."""

WINDOWS: dict[str, timedelta] = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
}
BUCKET_SECONDS = 120
BUCKETS = 30
LATENCY_SAMPLE = 2000
"""Percentiles are of the newest so many calls: the page must not read a busy hour's every row."""

STATES: dict[str, str] = {
    "queued": "Queued",
    "running": "Running",
    "retrying": "Retrying",
    "rate_limited": "Rate limited",
    "paused": "Paused",
    "stuck": "Stuck",
    "failed": "Failed",
    "acknowledged": "Acknowledged",
    "cancelled": "Cancelled",
    "completed": "Completed",
}


def state_condition(state: str, *, paused: Collection[str], now: datetime) -> Q:
    """Which rows are in one of STATES. Each row is in exactly one."""
    pending = Q(status=Operation.Status.PENDING)
    running = Q(status=Operation.Status.RUNNING)
    failed = Q(status=Operation.Status.FAILED)
    is_paused = Q(credential__in=list(paused), is_probe=False)
    is_later = Q(next_attempt_at__gt=now)
    is_overdue = Q(queued_at__lt=now - STUCK_AFTER) & (
        Q(next_attempt_at=None) | Q(next_attempt_at__lt=now - STUCK_AFTER)
    )
    is_lost = Q(lease_expires_at__lt=now)
    backs_off = Q(waiting_reason=Operation.Waiting.BACKOFF)
    conditions = {
        "queued": pending & ~is_paused & ~is_later & ~is_overdue,
        "running": running & ~is_lost & ~backs_off,
        "retrying": running & ~is_lost & backs_off,
        "rate_limited": pending & ~is_paused & is_later,
        "paused": pending & is_paused,
        "stuck": (pending & ~is_paused & ~is_later & is_overdue) | (running & is_lost),
        "failed": failed & Q(acknowledged_at=None),
        "acknowledged": failed & Q(acknowledged_at__isnull=False),
        "cancelled": Q(status=Operation.Status.CANCELLED),
        "completed": Q(status=Operation.Status.COMPLETED),
    }
    return conditions[state]


UNFINISHED_STATES = ("queued", "running", "retrying", "rate_limited", "paused", "stuck")


def state_of(operation: Operation, *, is_paused: bool, now: datetime) -> str:
    """The state of one row, in Python: the same as `state_condition` says in SQL."""
    if operation.status == Operation.Status.FAILED:
        return "acknowledged" if operation.acknowledged_at else "failed"
    if operation.status == Operation.Status.RUNNING:
        return _running_state(operation, now)
    if operation.status != Operation.Status.PENDING:
        return str(operation.status)
    if is_paused and not operation.is_probe:
        return "paused"
    due_at = max(filter(None, (operation.queued_at, operation.next_attempt_at)))
    if operation.next_attempt_at and operation.next_attempt_at > now:
        return "rate_limited"
    return "stuck" if due_at < now - STUCK_AFTER else "queued"


def _running_state(operation: Operation, now: datetime) -> str:
    if operation.lease_expires_at is not None and operation.lease_expires_at < now:
        return "stuck"
    return "retrying" if operation.waiting_reason == Operation.Waiting.BACKOFF else "running"


def state_counts() -> dict[str, int]:
    """How many operations are in each of STATES. Three queries."""
    now, paused = database_now(), pauses.paused_credentials()
    counts = Operation.objects.filter(status__in=Operation.UNFINISHED).aggregate(
        **{
            state: Count("pk", filter=state_condition(state, paused=paused, now=now))
            for state in UNFINISHED_STATES
        }
    )
    finals = Operation.objects.exclude(status__in=Operation.UNFINISHED).order_by()
    by_status = dict(finals.values_list("status").annotate(n=Count("*")))
    unseen = Operation.objects.filter(state_condition("failed", paused=(), now=now)).count()
    counts["failed"] = unseen
    counts["acknowledged"] = by_status.get(Operation.Status.FAILED, 0) - unseen
    counts["cancelled"] = by_status.get(Operation.Status.CANCELLED, 0)
    counts["completed"] = by_status.get(Operation.Status.COMPLETED, 0)
    return {state: counts[state] for state in STATES}


@dataclass(frozen=True)
class Cell:
    window: str
    count: int
    heat: int
    """0 for none, 1 to 5: how this count stands to the highest one of its window."""


@dataclass(frozen=True)
class HeatRow:
    category: str
    cells: list[Cell]


def heat_map() -> list[HeatRow]:
    """Failures that nobody has mended or acknowledged, by category and by how long ago."""
    now = database_now()
    rows = (
        Operation.objects.filter(state_condition("failed", paused=(), now=now))
        .filter(finished_at__gte=now - max(WINDOWS.values()))
        .order_by()
        .values("error_category")
        .annotate(
            **{
                f"in_{window}": Count("pk", filter=Q(finished_at__gte=now - length))
                for window, length in WINDOWS.items()
            }
        )
    )
    counts: dict[str, Any] = {row["error_category"]: row for row in rows}
    highest = {
        window: max((row[f"in_{window}"] for row in counts.values()), default=0)
        for window in WINDOWS
    }
    return [
        HeatRow(
            str(category),
            [
                Cell(window, n, ceil(5 * n / highest[window]) if n else 0)
                for window in WINDOWS
                for n in [counts.get(str(category), {}).get(f"in_{window}", 0)]
            ],
        )
        for category in Category
    ]


class BucketNumber(Func):
    """Whole buckets since 1970 of a time, computed by the database itself."""

    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = f"CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) / {BUCKET_SECONDS}"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = f"CAST(EXTRACT(EPOCH FROM %(expressions)s) AS BIGINT) / {BUCKET_SECONDS}"
        return self.as_sql(compiler, connection, template=template, **context)


@dataclass
class Bucket:
    """Two minutes of the last hour."""

    at: datetime
    completed: int = 0
    failed: int = 0
    durations: list[int] = field(default_factory=list)

    @property
    def median_ms(self) -> int | None:
        return _percentile(self.durations, 0.5)

    @property
    def p95_ms(self) -> int | None:
        return _percentile(self.durations, 0.95)


def last_hour() -> list[Bucket]:
    """Operations that ended and how long calls took, oldest bucket first. Two queries."""
    now = database_now()
    newest = int(now.timestamp()) // BUCKET_SECONDS
    first = newest - BUCKETS + 1
    since = datetime.fromtimestamp(first * BUCKET_SECONDS, tz=now.tzinfo)
    buckets = {
        number: Bucket(since + timedelta(seconds=BUCKET_SECONDS * (number - first)))
        for number in range(first, newest + 1)
    }
    for number, status, count in _ended(since):
        if number in buckets and status == Operation.Status.COMPLETED:
            buckets[number].completed += count
        elif number in buckets and status == Operation.Status.FAILED:
            buckets[number].failed += count
    for finished_at, duration_ms in _newest_calls(since):
        number = int(finished_at.timestamp()) // BUCKET_SECONDS
        if number in buckets:
            buckets[number].durations.append(duration_ms)
    return list(buckets.values())


def _ended(since: datetime) -> QuerySet[Operation, tuple[int, str, int]]:
    return (
        Operation.objects.filter(finished_at__gte=since)
        .order_by()
        .annotate(bucket=BucketNumber("finished_at", output_field=IntegerField()))
        .values_list("bucket", "status")
        .annotate(n=Count("*"))
    )


def _newest_calls(since: datetime) -> Any:
    calls = Attempt.objects.filter(finished_at__gte=since, duration_ms__isnull=False)
    return calls.order_by("-finished_at").values_list("finished_at", "duration_ms")[:LATENCY_SAMPLE]


def _percentile(values: list[int], share: float) -> int | None:
    if not values:
        return None
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


@dataclass(frozen=True)
class PausedCredential:
    pause: ProviderPause
    waiting: int


def paused_now() -> list[PausedCredential]:
    """Open pauses with how many operations wait behind each. Two queries."""
    waiting: dict[str, int] = defaultdict(int)
    open_pauses = list(ProviderPause.objects.filter(resumed_at=None).order_by("paused_at"))
    if open_pauses:
        rows = Operation.objects.filter(
            status=Operation.Status.PENDING,
            credential__in=[pause.credential for pause in open_pauses],
        )
        waiting |= dict(rows.order_by().values_list("credential").annotate(n=Count("*")))
    return [PausedCredential(pause, waiting[pause.credential]) for pause in open_pauses]


def workers() -> list[WorkerHeartbeat]:
    """All that have signed on and not off: a dead one is seen by its old beat."""
    return list(WorkerHeartbeat.objects.order_by("hostname", "pid"))


def stats() -> dict[str, Any]:
    """The contract's numbers for programs: what `operation_stats` prints."""
    health = queries.worker_health()
    statuses = dict.fromkeys(Operation.Status.values, 0)
    rows = Operation.objects.order_by().values_list("status").annotate(n=Count("*"))
    return {
        "by_status": statuses | dict(rows),
        "by_state": state_counts(),
        "errors": {window: errors_since(WINDOWS[window]) for window in ("1h", "24h")},
        "oldest_pending_seconds": round(health.oldest_due_seconds, 1),
        "due": health.due,
        "in_flight": health.in_flight,
        "workers": health.workers,
        "paused": [
            {
                "credential": paused.pause.credential,
                "category": paused.pause.error_category,
                "error_code": paused.pause.error_code,
                "paused_at": paused.pause.paused_at.isoformat(),
                "waiting": paused.waiting,
            }
            for paused in paused_now()
        ],
    }


def errors_since(length: timedelta) -> dict[str, int]:
    """Operations that failed within this time and still are, by category."""
    failed = Operation.objects.filter(
        status=Operation.Status.FAILED, finished_at__gte=database_now() - length
    )
    return dict(failed.order_by().values_list("error_category").annotate(n=Count("*")))


@dataclass(frozen=True)
class Restarts:
    """How often clusters had to be started again in the last day, and why the last time."""

    by_reason: dict[str, int]
    newest: WorkerRestart | None


def restarts(now: datetime) -> Restarts:
    rows = WorkerRestart.objects.filter(at__gt=now - timedelta(days=1))
    counted = rows.order_by().values_list("reason").annotate(Count("pk"))
    return Restarts(dict(counted), rows.first())

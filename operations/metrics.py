"""Counters and histograms that are right over any number of processes, machines and restarts.

Each observation is a row written in the transaction of what it counts, so a rolled-back change is
not counted and a killed process loses nothing. `fold` adds the rows up into totals that only grow.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F

from operations.models import Attempt, MetricDelta, MetricTotal, Operation

OPERATIONS = "operations_total"
ATTEMPTS = "operation_attempts_total"
OPERATION_DURATION = "operation_duration_seconds"
REQUEST_DURATION = "provider_request_duration_seconds"
PAID_TWICE = "possibly_paid_twice_total"

BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""Upper bounds in seconds; one more bucket holds everything beyond."""

FOLD_BATCH = 5000

Key = tuple[str, str, int]
COUNTER = -1


@dataclass(frozen=True)
class Sample:
    """How often; for histograms also the sum of what this bucket (not cumulative) observed."""

    count: int
    total: float


def of_final(operation: Operation, *, at: datetime) -> list[MetricDelta]:
    """A transition into a final status, and how long it took since it was queued."""
    return [
        _counter(
            OPERATIONS,
            kind=operation.kind,
            status=operation.status,
            category=operation.error_category,
        ),
        _observation(
            OPERATION_DURATION,
            (at - operation.queued_at).total_seconds(),
            kind=operation.kind,
        ),
    ]


def of_attempt(
    operation: Operation,
    *,
    outcome: str,
    category: str,
    duration_ms: int | None,
    possibly_paid_twice: bool,
) -> list[MetricDelta]:
    """The end of one HTTP call."""
    deltas = [_counter(ATTEMPTS, kind=operation.kind, outcome=outcome, category=category)]
    if duration_ms is not None and outcome in (Attempt.Outcome.SUCCEEDED, Attempt.Outcome.FAILED):
        deltas.append(_observation(REQUEST_DURATION, duration_ms / 1000, kind=operation.kind))
    if possibly_paid_twice:
        deltas.append(_counter(PAID_TWICE))
    return deltas


def count(deltas: Iterable[MetricDelta]) -> None:
    """Write what was observed, what is equal in one row."""
    MetricDelta.objects.bulk_create(
        MetricDelta(
            name=name,
            labels=labels,
            bucket=None if bucket == COUNTER else bucket,
            count=sample.count,
            total=sample.total,
        )
        for (name, labels, bucket), sample in _summed(deltas).items()
    )


def count_paid_twice() -> None:
    """A call whose result came too late, found out after its attempt was counted."""
    count([_counter(PAID_TWICE)])


def fold() -> int:
    """Add up to FOLD_BATCH rows to the totals. Returns how many; any number may fold at once."""
    if not MetricDelta.objects.exists():  # do not take SQLite's write lock for nothing
        return 0
    with transaction.atomic():
        rows = MetricDelta.objects.order_by("id")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True)
        deltas = list(rows[:FOLD_BATCH])
        for (name, labels, bucket), sample in _summed(deltas).items():
            MetricTotal.objects.get_or_create(name=name, labels=labels, bucket=bucket)
            MetricTotal.objects.filter(name=name, labels=labels, bucket=bucket).update(
                count=F("count") + sample.count, total=F("total") + sample.total
            )
        MetricDelta.objects.filter(pk__in=[delta.pk for delta in deltas]).delete()
    return len(deltas)


def snapshot() -> dict[Key, Sample]:
    """All totals with what is not folded yet: (name, labels as JSON, bucket or -1) → sample."""
    with transaction.atomic():
        unfolded = _summed(list(MetricDelta.objects.all()))
        result = {
            (row.name, row.labels, row.bucket): Sample(row.count, row.total)
            for row in MetricTotal.objects.all()
        }
    for key, sample in unfolded.items():
        known = result.get(key, Sample(0, 0.0))
        result[key] = Sample(known.count + sample.count, known.total + sample.total)
    return result


def _summed(deltas: Iterable[MetricDelta]) -> dict[Key, Sample]:
    sums: dict[Key, Sample] = defaultdict(lambda: Sample(0, 0.0))
    for delta in deltas:
        key = (delta.name, delta.labels, COUNTER if delta.bucket is None else delta.bucket)
        known = sums[key]
        sums[key] = Sample(known.count + delta.count, known.total + delta.total)
    return dict(sums)


def _counter(name: str, **labels: str) -> MetricDelta:
    return MetricDelta(name=name, labels=_labels(labels))


def _observation(name: str, seconds: float, **labels: str) -> MetricDelta:
    seconds = max(0.0, seconds)
    return MetricDelta(
        name=name, labels=_labels(labels), bucket=bisect_left(BUCKETS, seconds), total=seconds
    )


def _labels(labels: dict[str, str]) -> str:
    return json.dumps(labels, sort_keys=True)

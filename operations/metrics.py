"""Counters and histograms that are right over any number of processes, machines and restarts.

Each observation is a row written in the transaction of what it counts, so a rolled-back change is
not counted and a killed process loses nothing. `fold` adds the rows up into totals that only grow.
"""

from __future__ import annotations

import functools
import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from operations.batch_sql import insert_each, update_each
from operations.models import Attempt, MetricDelta, MetricTotal, Operation

OPERATIONS = "operations_total"
ATTEMPTS = "operation_attempts_total"
OPERATION_DURATION = "operation_duration_seconds"
REQUEST_DURATION = "provider_request_duration_seconds"
PAID_TWICE = "possibly_paid_twice_total"

BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""Upper bounds in seconds; one more bucket holds everything beyond."""

FOLD_BATCH = 5000

DELTA = ("name", "labels", "bucket", "count", "total")

Key = tuple[str, str, int]
COUNTER = -1

Observation = tuple[Key, int, float]
"""What, how often, and the sum of what a histogram observed."""


@dataclass(frozen=True)
class Sample:
    """How often; for histograms also the sum of what this bucket (not cumulative) observed."""

    count: int
    total: float


def of_final(operation: Operation, *, at: datetime) -> list[Observation]:
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
) -> list[Observation]:
    """The end of one HTTP call."""
    deltas = [_counter(ATTEMPTS, kind=operation.kind, outcome=outcome, category=category)]
    if duration_ms is not None and outcome in (Attempt.Outcome.SUCCEEDED, Attempt.Outcome.FAILED):
        deltas.append(_observation(REQUEST_DURATION, duration_ms / 1000, kind=operation.kind))
    if possibly_paid_twice:
        deltas.append(_counter(PAID_TWICE))
    return deltas


def count(observations: Iterable[Observation]) -> None:
    """Write what was observed, what is equal in one row."""
    insert_each(
        MetricDelta,
        [
            {
                "name": name,
                "labels": labels,
                "bucket": None if bucket == COUNTER else bucket,
                "count": sample.count,
                "total": sample.total,
            }
            for (name, labels, bucket), sample in _summed(observations).items()
        ],
        same={},
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
        ids, deltas = [], []
        for pk, *delta in rows.values_list("pk", *DELTA)[:FOLD_BATCH]:
            ids.append(pk)
            deltas.append(delta)
        _add_to_totals(_summed(_observed(deltas)))
        MetricDelta.objects.filter(pk__in=ids).delete()
    return len(ids)


def _add_to_totals(sums: Mapping[Key, Sample]) -> None:
    """In few statements: on SQLite everybody who writes waits for this."""
    if not sums:
        return
    known = set(MetricTotal.objects.values_list("name", "labels", "bucket"))
    MetricTotal.objects.bulk_create(
        (
            MetricTotal(name=key[0], labels=key[1], bucket=key[2])
            for key in sorted(sums)
            if key not in known
        ),
        ignore_conflicts=True,
    )
    # All who fold make totals in one order and then lock them in one order, so that none waits for
    # one that waits for it. Who locked first would hold what is needed by one whose new total it
    # then waits for.
    _lock_totals()
    update_each(
        MetricTotal,
        [
            dict(zip(DELTA, (*key, sample.count, sample.total), strict=True))
            for key, sample in sums.items()
        ],
        match=("name", "labels", "bucket"),
        where={},
        same={},
        add=("count", "total"),
    )


def _lock_totals() -> None:
    if connection.features.has_select_for_update:  # SQLite's one lock is ours already
        list(MetricTotal.objects.select_for_update().order_by("id").values_list("id"))


def snapshot() -> dict[Key, Sample]:
    """All totals with what is not folded yet: (name, labels as JSON, bucket or -1) → sample."""
    with transaction.atomic():
        unfolded = _summed(_observed(MetricDelta.objects.values_list(*DELTA)))
        result = {
            (row.name, row.labels, row.bucket): Sample(row.count, row.total)
            for row in MetricTotal.objects.all()
        }
    for key, sample in unfolded.items():
        known = result.get(key, Sample(0, 0.0))
        result[key] = Sample(known.count + sample.count, known.total + sample.total)
    return result


def _observed(deltas: Iterable[Sequence[Any]]) -> Iterator[Observation]:
    """Rows of DELTA's columns."""
    for name, labels, bucket, count, total in deltas:
        yield (name, labels, COUNTER if bucket is None else bucket), count, total


def _summed(observations: Iterable[Observation]) -> dict[Key, Sample]:
    sums: dict[Key, tuple[int, float]] = {}
    for key, times, total in observations:
        known_times, known_total = sums.get(key, (0, 0.0))
        sums[key] = (known_times + times, known_total + total)
    return {key: Sample(*sample) for key, sample in sums.items()}


def _counter(name: str, **labels: str) -> Observation:
    return (name, _labels(**labels), COUNTER), 1, 0.0


def _observation(name: str, seconds: float, **labels: str) -> Observation:
    seconds = max(0.0, seconds)
    return (name, _labels(**labels), bisect_left(BUCKETS, seconds)), 1, seconds


@functools.lru_cache(maxsize=1024)
def _labels(**labels: str) -> str:
    return json.dumps(labels, sort_keys=True)

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
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import DateTimeField, F, Sum, Value
from django.db.models.functions import TruncHour

from operations import spending
from operations.database.batch_sql import Statement, insert_statements, update_each
from operations.database.clock import database_now
from operations.errors import Category, Usage
from operations.models import (
    PROVIDER_PROBE,
    Attempt,
    MetricDelta,
    MetricMinute,
    MetricTotal,
    Operation,
)

OPERATIONS = "operations_total"
ATTEMPTS = "operation_attempts_total"
OPERATION_DURATION = "operation_duration_seconds"
REQUEST_DURATION = "provider_request_duration_seconds"
PAID_TWICE = "possibly_paid_twice_total"

BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""Upper bounds in seconds; one more bucket holds everything beyond."""

FOLD_BATCH = 5000

BY_MINUTE = {OPERATIONS: "status", ATTEMPTS: "outcome"}
"""Counters that are also kept by minute, and the label that says how it ended."""

MINUTES_KEPT = timedelta(days=7, hours=1)

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


NONE = Sample(0, 0.0)


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
    usage: Usage | None,
    at: datetime,
) -> list[Observation]:
    """The end of one HTTP call."""
    deltas = [_counter(ATTEMPTS, kind=operation.kind, outcome=outcome, category=category)]
    deltas += of_bill(operation, usage, at=at)
    if duration_ms is not None and outcome in (Attempt.Outcome.SUCCEEDED, Attempt.Outcome.FAILED):
        deltas.append(_observation(REQUEST_DURATION, duration_ms / 1000, kind=operation.kind))
    if possibly_paid_twice:
        deltas.append(_counter(PAID_TWICE))
    return deltas


def of_bill(operation: Operation, usage: Usage | None, *, at: datetime) -> list[Observation]:
    """What a call cost: none where the installation pays nothing for it."""
    note = spending.note_of(operation, usage, at=at)
    if note is None:
        return []
    labels, tokens, micro_usd = note
    return [((spending.NOTE, labels, COUNTER), tokens, float(micro_usd))]


def possible(kinds: Iterable[str]) -> Iterator[Key]:
    """The counters with all that they can say: who reads rates misses the first of a kind where a
    counter begins with it."""
    yield PAID_TWICE, _labels(), COUNTER
    for kind in kinds:
        for status in (Operation.Status.COMPLETED, Operation.Status.CANCELLED):
            yield OPERATIONS, _labels(kind=kind, status=status.value, category=""), COUNTER
        for outcome in (Attempt.Outcome.SUCCEEDED, Attempt.Outcome.LOST):
            yield ATTEMPTS, _labels(kind=kind, outcome=outcome.value, category=""), COUNTER
        for category in map(str, Category):
            failed = Operation.Status.FAILED.value
            yield OPERATIONS, _labels(kind=kind, status=failed, category=category), COUNTER
            failed = Attempt.Outcome.FAILED.value
            yield ATTEMPTS, _labels(kind=kind, outcome=failed, category=category), COUNTER


def count(observations: Iterable[Observation]) -> None:
    """Write what was observed, what is equal in one row."""
    for statement in count_statements(observations):
        statement.run()


def count_statements(observations: Iterable[Observation]) -> list[Statement]:
    return insert_statements(
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


def paid_twice() -> Observation:
    """A call whose result came too late, found out after its attempt was counted."""
    return _counter(PAID_TWICE)


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
        sums = _summed(_observed(deltas))
        bills = {key: sums.pop(key) for key in list(sums) if key[0] == spending.NOTE}
        _add_to_totals(sums)
        _add_to_minute(_endings(sums), database_now())
        spending.add((key[1], bill.count, bill.total) for key, bill in bills.items())
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


@dataclass(frozen=True)
class Ended:
    """What ended in a minute, or in an hour."""

    at: datetime
    """Its begin."""
    outcome: str
    category: str
    count: int


EndingKey = tuple[str, str, str]
"""Counter, outcome, category."""


def _endings(sums: Mapping[Key, Sample]) -> dict[EndingKey, int]:
    """Of all kinds together but for probes: they are made by the clock, whoever practises."""
    found: dict[EndingKey, int] = {}
    for (name, labels, _), sample in sums.items():
        said = json.loads(labels) if name in BY_MINUTE else {}
        if said and said["kind"] != PROVIDER_PROBE:
            key = (name, said[BY_MINUTE[name]], said["category"])
            found[key] = found.get(key, 0) + sample.count
    return found


def _add_to_minute(endings: Mapping[EndingKey, int], now: datetime) -> None:
    """To the minute of the fold, seconds after it happened: a time in each observation would make
    every completion dearer. Whoever folds holds the lock on the totals."""
    minute = _begin(now)
    rows = [
        {"name": name, "minute": minute, "outcome": outcome, "category": category, "count": count}
        for (name, outcome, category), count in endings.items()
    ]
    if not rows:
        return
    MetricMinute.objects.bulk_create(
        (MetricMinute(**row | {"count": 0}) for row in rows), ignore_conflicts=True
    )
    update_each(
        MetricMinute,
        rows,
        match=("name", "minute", "outcome", "category"),
        where={},
        same={},
        add=("count",),
    )


def ended_since(name: str, since: datetime, *, by_hour: bool = False) -> list[Ended]:
    """Of a counter of BY_MINUTE: what ended since the begin of that minute (or in which hour), with
    what is not folded yet. What became of it later, a retry or a deletion, changes nothing. One
    statement: between two of them a fold would be seen twice, or not at all."""
    now = Value(_begin(database_now()), output_field=DateTimeField())
    columns = ("at", "outcome", "category", "labels")
    minutes = MetricMinute.objects.filter(name=name, minute__gte=_begin(since))
    at = TruncHour("minute") if by_hour else F("minute")
    kept = minutes.order_by().annotate(at=at, labels=Value("")).values_list(*columns)
    deltas = MetricDelta.objects.filter(name=name).order_by()
    fresh = deltas.annotate(at=now, outcome=Value(""), category=Value("")).values_list(*columns)
    rows = kept.annotate(n=Sum("count")).union(fresh.annotate(n=Sum("count")), all=True)
    return [ended for row in rows if (ended := _ended(name, *row))]


def _ended(
    name: str, at: datetime, outcome: str, category: str, labels: str, count: int
) -> Ended | None:
    """None of a probe. `labels`: of what is not folded yet, which says in them how it ended."""
    if not labels:
        return Ended(at, outcome, category, count)
    said = json.loads(labels)
    if said["kind"] == PROVIDER_PROBE:
        return None
    return Ended(at, said[BY_MINUTE[name]], said["category"], count)


def calls_between(since: datetime, until: datetime) -> dict[str, int]:
    """Calls that ended in these minutes, folded ones alone, by category ("" for no failure)."""
    kept = MetricMinute.objects.filter(name=ATTEMPTS, minute__gte=since, minute__lt=until)
    return dict(kept.order_by().values_list("category").annotate(n=Sum("count")))


def prune() -> None:
    MetricMinute.objects.filter(minute__lt=database_now() - MINUTES_KEPT).delete()


def _begin(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def snapshot() -> dict[Key, Sample]:
    """All totals with what is not folded yet: (name, labels as JSON, bucket or -1) → sample. One
    statement: between two a fold would be seen twice or not at all."""
    unfolded = MetricDelta.objects.values_list(*DELTA)
    return _summed(_observed(unfolded.union(MetricTotal.objects.values_list(*DELTA), all=True)))


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

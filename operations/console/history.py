"""How operations ended over the last hour, day and week, as it was, whatever became of them; and
how long calls took in the last hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from operations import metrics
from operations.database.clock import database_now
from operations.metrics import Ended
from operations.models import Attempt, Operation

HOUR = 3600
LATENCY_SAMPLE = 2000
"""Percentiles are of the newest so many calls: the page must not read a busy hour's every row."""


@dataclass
class Stretch:
    """A bar of a chart."""

    at: datetime
    """Its begin."""
    completed: int = 0
    by_category: Counter[str] = field(default_factory=Counter)
    """Of what failed."""
    durations: list[int] = field(default_factory=list)
    """Of calls, in ms; of the last hour alone."""

    @property
    def failed(self) -> int:
        return self.by_category.total()

    @property
    def median_ms(self) -> int | None:
        return _percentile(self.durations, 0.5)

    @property
    def p95_ms(self) -> int | None:
        return _percentile(self.durations, 0.95)


@dataclass(frozen=True)
class Window:
    name: str
    stretches: int
    seconds: int
    """Of one of them."""


WINDOWS = (
    Window("1h", 30, 120),
    Window("24h", 24, HOUR),
    Window("7d", 28, 6 * HOUR),
)


def endings() -> dict[str, list[Stretch]]:
    """Of each of WINDOWS, the oldest first. Two statements, and the clock's."""
    now = database_now()
    hour, day, week = WINDOWS
    # A week has ten thousand minutes: the database adds them up.
    minutes = metrics.ended_since(metrics.OPERATIONS, _begin(hour, now))
    hours = metrics.ended_since(metrics.OPERATIONS, _begin(week, now), by_hour=True)
    return {
        hour.name: _stretches(hour, minutes, now),
        day.name: _stretches(day, hours, now),
        week.name: _stretches(week, hours, now),
    }


def last_hour() -> list[Stretch]:
    """With how long calls took, the oldest first. An operation that failed and was retried since
    counts as both. Two queries, and the clock's."""
    now, hour = database_now(), WINDOWS[0]
    begin = _begin(hour, now)
    found = _stretches(hour, metrics.ended_since(metrics.OPERATIONS, begin), now)
    by_number = {_number(each.at, hour): each for each in found}
    for finished_at, duration_ms in _newest_calls(begin):
        if stretch := by_number.get(_number(finished_at, hour)):
            stretch.durations.append(duration_ms)
    return found


def _newest_calls(since: datetime) -> Any:
    calls = Attempt.objects.filter(finished_at__gte=since, duration_ms__isnull=False)
    return calls.order_by("-finished_at").values_list("finished_at", "duration_ms")[:LATENCY_SAMPLE]


def _percentile(values: list[int], share: float) -> int | None:
    if not values:
        return None
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _number(at: datetime, window: Window) -> int:
    return int(at.timestamp()) // window.seconds


def _begin(window: Window, now: datetime) -> datetime:
    oldest = _number(now, window) - window.stretches + 1
    return datetime.fromtimestamp(oldest * window.seconds, tz=UTC)


def _stretches(window: Window, ended: Iterable[Ended], now: datetime) -> list[Stretch]:
    begin = _begin(window, now)
    length = timedelta(seconds=window.seconds)
    found = {
        _number(begin, window) + number: Stretch(begin + number * length)
        for number in range(window.stretches)
    }
    for each in ended:
        stretch = found.get(_number(each.at, window))
        if stretch and each.outcome == Operation.Status.COMPLETED:
            stretch.completed += each.count
        elif stretch and each.outcome == Operation.Status.FAILED:
            stretch.by_category[each.category] += each.count
    return list(found.values())

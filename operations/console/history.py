"""How operations ended over the last hour, day and week: as it was, whatever became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from operations import metrics
from operations.database.clock import database_now
from operations.metrics import Ended
from operations.models import Operation

HOUR = 3600


@dataclass
class Stretch:
    """A bar of a chart."""

    at: datetime
    """Its begin."""
    completed: int = 0
    by_category: Counter[str] = field(default_factory=Counter)
    """Of what failed."""

    @property
    def failed(self) -> int:
        return self.by_category.total()


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

"""The time for the questions of an interview like the real thing: what is spent and what is left.

Arithmetic, and the stop that every ending shares. Opening, pausing and going on are in `real_mode`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from interview_app.models import QuestionTimer

SECONDS_PER_QUESTION = 300
"""To type 150 to 300 words, which are said in one to two minutes."""


@dataclass(frozen=True)
class Clock:
    """As of `now`. It goes on counting after the end: nothing happens then."""

    now: datetime
    spent_seconds: int
    given_seconds: int
    is_running: bool

    @property
    def left_seconds(self) -> int:
        return max(0, self.given_seconds - self.spent_seconds)

    @property
    def is_over(self) -> bool:
        return self.left_seconds == 0

    @property
    def over_at(self) -> datetime | None:
        """When it will be over; None while it stands still, or is over."""
        if self.is_over or not self.is_running:
            return None
        return self.now + timedelta(seconds=self.left_seconds)


def clock_of(timers: Iterable[QuestionTimer], *, questions: int, now: datetime) -> Clock:
    """Of all these together, of which at most one runs."""
    timers = list(timers)
    return Clock(
        now=now,
        spent_seconds=sum(_spent_seconds(timer, now) for timer in timers),
        given_seconds=questions * SECONDS_PER_QUESTION,
        is_running=any(timer.running_since is not None for timer in timers),
    )


def stop_timers(timers: QuerySet[QuestionTimer], *, now: datetime) -> None:
    """Call it with the session locked."""
    for timer in timers.exclude(running_since=None):
        timer.spent_seconds = _spent_seconds(timer, now)
        timer.running_since = None
        timer.save(update_fields=["spent_seconds", "running_since"])


def _spent_seconds(timer: QuestionTimer, now: datetime) -> int:
    if timer.running_since is None:
        return timer.spent_seconds
    return timer.spent_seconds + max(0, round((now - timer.running_since).total_seconds()))

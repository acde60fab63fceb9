"""Whether AI work moves, and what keeps it. One look, which costs the same however much waits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from operations.database import backlog, paused
from operations.database.backlog import Due
from operations.database.clock import database_now
from operations.database.paused import Held
from operations.errors import Category
from operations.models import PROVIDER_PROBE, Attempt
from operations.queries import living_workers

CALLS_SINCE = timedelta(minutes=5)
CALLS_LOOKED_AT = 200
FEWEST_CALLS = 10
"""Fewer prove nothing: people meet a failure now and then."""

FAILING_SHARE = 0.5

OF_THE_PROVIDER = frozenset(
    {
        Category.NETWORK,
        Category.AUTHENTICATION,
        Category.QUOTA_EXCEEDED,
        Category.RATE_LIMIT,
        Category.SERVER_ERROR,
    }
)
"""Failures that say something about the next call, too: not one answer's or one prompt's."""


@dataclass(frozen=True)
class Calls:
    """The newest ones that ended, of the installation's key."""

    count: int
    failed: int
    """By OF_THE_PROVIDER."""
    code: str
    """The commonest of theirs."""
    by_category: dict[str, int]
    """All that failed."""

    @property
    def are_failing(self) -> bool:
        return self.count >= FEWEST_CALLS and self.failed >= FAILING_SHARE * self.count


@dataclass(frozen=True)
class Waiting:
    """Operations that are due. `count`: up to `backlog.COUNTED`, see `words`. `oldest_seconds`: how
    long the oldest could have been claimed and was not."""

    count: int
    oldest_seconds: float

    @property
    def words(self) -> str:
        return f"{self.count} or more" if self.count == backlog.COUNTED else str(self.count)


@dataclass(frozen=True)
class Health:
    workers: int
    in_flight: int
    due: Waiting
    paused: Waiting
    """Behind a paused credential of the installation, or what an operator holds back: due but for
    that."""
    slowed: Waiting
    """Due but for the rate limit of the installation's key."""
    starts_per_second: float | None
    """As refusals have shown; None: no limit is known."""
    calls: Calls


def health() -> Health:
    now = database_now()
    in_flight = list(living_workers(now).values_list("in_flight", flat=True))
    held = paused.held_now()
    due = backlog.due_by_key(now, held_kinds=held.kinds)
    waits = [each for each in due if _is_held(each, held)]
    rates = list(paused.rates_of_installation(now))
    is_slow = any(rate.waits_until and rate.waits_until > now for rate in rates)
    slow = [each for each in due if is_slow and not each.own_key and each not in waits]
    return Health(
        workers=len(in_flight),
        in_flight=sum(in_flight),
        due=_waiting([each for each in due if each not in waits and each not in slow], now),
        # Whose own key is refused hears of it alone.
        paused=_waiting([each for each in waits if held.everything or not each.own_key], now),
        slowed=_waiting(slow, now),
        starts_per_second=min(
            (rate.starts_per_second for rate in rates if rate.starts_per_second), default=None
        ),
        calls=_newest_calls(now),
    )


def _is_held(due: Due, held: Held) -> bool:
    return held.everything or due.is_held or (held.installation and not due.own_key)


def _waiting(due: list[Due], now: datetime) -> Waiting:
    return Waiting(
        min(backlog.COUNTED, sum(each.count for each in due)),
        max(((now - each.since).total_seconds() for each in due), default=0.0),
    )


def _newest_calls(now: datetime) -> Calls:
    # Whose own key fails hears of it alone, and probes fail all night behind a pause that says so.
    ours = Attempt.objects.filter(finished_at__gt=now - CALLS_SINCE, operation__own_key=False)
    ended = ours.exclude(operation__kind=PROVIDER_PROBE).order_by("-finished_at")
    newest = list(ended.values_list("category", "error_code")[:CALLS_LOOKED_AT])
    by_category = Counter(category for category, _ in newest if category)
    codes = Counter(code for category, code in newest if category in OF_THE_PROVIDER)
    commonest = next((code for code, _ in codes.most_common(1)), "")
    return Calls(len(newest), codes.total(), commonest, dict(by_category))

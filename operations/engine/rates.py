"""What workers tell one another about the limits of a credential: a row for each that has one.

A drain reads and writes between its claims, at most once a second, and only while calls are under
way or held back. The row is also what pages read: how fast calls may begin, and until when due work
waits for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from operations.credentials import installation_label
from operations.database.clock import database_now
from operations.engine.governor import Governor, Pace, Whose
from operations.models import ProviderRate, WorkerHeartbeat

SHARED_SECONDS = 1.0
SELDOM_SECONDS = 5.0
"""While no limit is known."""

EXPIRY = timedelta(days=1)
"""Since it was last written: tiers are raised, and one that is not met costs nothing."""

SHOWN_SECONDS = 5.0
"""What a pace holds back, a little at a time, is shown as waiting for so long at a time."""

MATERIAL = 0.05
"""The share by which a rate has to change to be written."""


@dataclass(frozen=True)
class News:
    """What a pace has learned, as columns of its row."""

    pace: Pace
    version: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Told:
    """The rows that hold at a moment, in both clocks, and what of ours they do not say."""

    at: datetime
    monotonic: float
    workers: int
    rows: Sequence[ProviderRate]
    news: Sequence[News]


class Exchange:
    """`look` and `tell` for `DatabaseThread.run_if`, then `take_over` in the event loop."""

    def __init__(self, governor: Governor) -> None:
        self.governor = governor
        self.told: Told | None = None

    def look(self) -> Told | None:
        """None where there is nothing to write; what was read is kept."""
        at, monotonic = database_now(), self.governor.clock()
        living = WorkerHeartbeat.objects.filter(expires_at__gt=at, accepts_work=True).count()
        rows = list(ProviderRate.objects.filter(expires_at__gt=at))
        known = {row.credential: row for row in rows}
        news = [
            News(pace, pace.version, _columns(key, pace, at=at, monotonic=monotonic))
            for key, pace in list(self.governor.paces.items())
            if _has_news(pace, known.get(pace.label), at=at, monotonic=monotonic)
        ]
        self.told = Told(at, monotonic, max(1, living), rows, news)
        return self.told if news else None

    def tell(self, told: Told) -> None:
        for each in told.news:
            ProviderRate.objects.update_or_create(credential=each.pace.label, defaults=each.values)

    def take_over(self) -> None:
        """What others have learned, but for what we know better."""
        if self.told is None:
            return
        told, self.told = self.told, None
        self.governor.workers = told.workers
        for each in told.news:
            each.pace.told_version, each.pace.row_at = each.version, told.at
        ours = {each.pace.label for each in told.news}
        for row in told.rows:
            is_used = row.own_key_owner_id is not None or row.credential == installation_label()
            if is_used and row.credential not in ours:
                self._take_over(row.own_key_owner_id, row, told)

    def _take_over(self, key: Whose, row: ProviderRate, told: Told) -> None:
        pace = self.governor.paces.setdefault(key, Pace(row.credential))
        is_ours = pace.label == row.credential and pace.version == pace.told_version
        if not is_ours or pace.row_at == row.learned_at:
            return
        pace.learned, pace.row_at = row.starts_per_second, row.learned_at
        if row.held_until is not None:
            pace.hold(told.monotonic + (row.held_until - told.at).total_seconds(), told.monotonic)


def _has_news(pace: Pace, row: ProviderRate | None, *, at: datetime, monotonic: float) -> bool:
    if pace.version != pace.told_version:
        return True
    if row is None:
        return False
    said, learned = row.starts_per_second, pace.learned
    if said and learned and abs(learned / said - 1) > MATERIAL:
        return True
    is_shown = row.waits_until is not None and row.waits_until > at + timedelta(
        seconds=SHOWN_SECONDS / 2
    )
    return not is_shown and monotonic - pace.withheld_at < 2 * SHARED_SECONDS


def _columns(key: Whose, pace: Pace, *, at: datetime, monotonic: float) -> dict[str, Any]:
    limits = {each.name: each.limit for each, _ in pace.rate_limits.values()}
    held = at + timedelta(seconds=pace.held_until - monotonic)
    is_paced = monotonic - pace.withheld_at < SHOWN_SECONDS
    shown = at + timedelta(seconds=SHOWN_SECONDS if is_paced else 0)
    values = {
        "own_key_owner_id": key,
        "requests_limit": limits.get("requests"),
        "tokens_limit": limits.get("tokens"),
        "starts_per_second": pace.learned,
        "waits_until": max(held, shown),
        "learned_at": at,
        "expires_at": at + EXPIRY,
    }
    # An older hold than another worker's, which we have not heard of yet, must not end that one.
    return values | {"held_until": held} if held > at else values

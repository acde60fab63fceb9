"""Where tries are counted: the moment up to which a bucket is used, one number a bucket.

A try is taken by one guarded UPDATE, so that of two at once only as many pass as there is room
for. The clock is this host's: hosts a second apart differ by a second in what they allow.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from django.db import connection, transaction
from django.db.models import F

from operations.database.written_once import Place, WrittenOnce
from operations.limits.rules import Bucket, Rule
from operations.models import Limit

MAX_REMEMBERED = 20_000
"""Buckets in a process's memory. The one that was used longest ago is forgotten first."""

MAX_LOOKS = 50
"""Of one try that others are faster than, again and again: each such look was a try of theirs."""

Clock = Callable[[], float]
"""Seconds since the epoch. A clock and not a moment: who waited for a lock has an old one, and
would be told to wait by tries that came after it."""


@dataclass(frozen=True)
class Full:
    """No room for one more in this bucket, for so many seconds."""

    bucket: Bucket
    wait_seconds: float


class Store(Protocol):
    def take(self, buckets: Sequence[Bucket], clock: Clock) -> Full | None:
        """Count one try in all of them, or in none and say which is full."""

    def give_back(self, buckets: Sequence[Bucket]) -> None:
        """As if one try had not been."""


def room_until(rule: Rule, now: float) -> float:
    """A bucket that is used up to here, or less far, has room for one more."""
    return now + (rule.most - 1) * rule.every_seconds


def first_full(
    buckets: Sequence[Bucket], used_until: Mapping[str, float], now: float
) -> Full | None:
    for bucket in buckets:
        wait = used_until.get(bucket.key, 0.0) - room_until(bucket.rule, now)
        if wait > 0:
            return Full(bucket, wait)
    return None


class DatabaseStore:
    """Callers name buckets in the order of the table of rules: no ring of waits can form."""

    def take(self, buckets: Sequence[Bucket], clock: Clock) -> Full | None:
        for _ in range(MAX_LOOKS):
            # Looked at before anything is locked: who is refused anyway shall not wait for the
            # write lock of SQLite, nor make anybody else wait.
            used_until = self._used_until(buckets)
            now = clock()
            if full := first_full(buckets, used_until, now):
                return full
            try:
                with self._together(buckets):
                    self._open(each for each in buckets if each.key not in used_until)
                    for bucket in buckets:
                        self._advance(bucket, now)
                return None
            except _Taken:
                continue
        return Full(buckets[0], buckets[0].rule.every_seconds)

    def give_back(self, buckets: Sequence[Bucket]) -> None:
        with self._together(buckets):
            for bucket in buckets:
                step = bucket.rule.every_seconds
                Limit.objects.filter(pk=bucket.key).update(used_until=F("used_until") - step)

    def _together(self, buckets: Sequence[Bucket]) -> AbstractContextManager[object]:
        return transaction.atomic() if len(buckets) > 1 else contextlib.nullcontext()

    def _used_until(self, buckets: Sequence[Bucket]) -> dict[str, float]:
        keys = {f"key{number}": bucket.key for number, bucket in enumerate(buckets)}
        return dict(_look(len(buckets))(**keys))

    def _open(self, buckets: Iterable[Bucket]) -> None:
        Limit.objects.bulk_create(
            [
                Limit(pk=each.key, rule=each.rule.name, account=each.account, used_until=0)
                for each in buckets
            ],
            ignore_conflicts=True,
        )

    def _advance(self, bucket: Bucket, now: float) -> None:
        """Raises `_Taken` where others were faster since we looked, or the row was pruned."""
        values: dict[str, float | str] = {
            "now": now,
            "step": bucket.rule.every_seconds,
            "key": bucket.key,
            "room": room_until(bucket.rule, now),
        }
        with connection.cursor() as cursor:
            cursor.execute(_ADVANCE, values)
            if not cursor.rowcount:
                raise _Taken


class _Taken(Exception):
    pass


@functools.cache
def _look(count: int) -> WrittenOnce[Limit, tuple[str, float]]:
    places = [Place(f"key{number}", Limit._meta.pk) for number in range(count)]
    return WrittenOnce(lambda: Limit.objects.filter(pk__in=places).values_list("key", "used_until"))


_ADVANCE = (
    f"UPDATE {Limit._meta.db_table} SET used_until = "  # noqa: S608
    "CASE WHEN used_until > %(now)s THEN used_until ELSE %(now)s END + %(step)s "
    "WHERE key = %(key)s AND used_until <= %(room)s"
)
"""SQL of our own: each start and each sign-in runs it."""


class MemoryStore:
    def __init__(self) -> None:
        self._used_until: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, buckets: Sequence[Bucket], clock: Clock) -> Full | None:
        with self._lock:
            now = clock()
            if full := first_full(buckets, self._used_until, now):
                return full
            for bucket in buckets:
                used_until = max(self._used_until.pop(bucket.key, 0.0), now)
                self._used_until[bucket.key] = used_until + bucket.rule.every_seconds
            while len(self._used_until) > MAX_REMEMBERED:
                self._used_until.popitem(last=False)
            return None

    def give_back(self, buckets: Sequence[Bucket]) -> None:
        with self._lock:
            for bucket in buckets:
                if bucket.key in self._used_until:
                    self._used_until[bucket.key] -= bucket.rule.every_seconds

    def forget(self) -> None:
        with self._lock:
            self._used_until.clear()

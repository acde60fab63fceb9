"""The verbs: count a try before anything is spent on it, give it back where it was none."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from operations import events
from operations.database import trouble
from operations.limits.buckets import DatabaseStore, Full, MemoryStore, Store, room_until
from operations.limits.rules import (
    RULES,
    Bucket,
    Rule,
    account_digest,
    of_name,
    of_person,
)
from operations.models import Limit
from operations.refusals import TooOften

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

TOLD_EVERY_SECONDS = 60.0
"""A limit that is met again and again is told once in so long, by each process."""
REFUSALS_KEPT = timedelta(days=7)
"""For the operator's list."""

MAX_TOLD = 10_000
SHOWN_DIGITS = 12
"""Of a digest, in the log and in the list: enough to see that two are one."""

T = TypeVar("T")

_database = DatabaseStore()
_memory = MemoryStore()
_told_at: dict[str, float] = {}


def reserve(*buckets: Bucket) -> None:
    """Count one try in each; raises `TooOften`, and then none of them has counted it.

    To be called before the costly or guessable thing is done: of many tries at once, only as many
    get to do it as there is room for. Inside a transaction the count is rolled back with it.
    """
    if not settings.API_THROTTLES:
        return
    full = _in_store(buckets, lambda store: store.take(buckets, time.time))
    if full is not None:
        _tell(full)
        raise TooOften(full.wait_seconds)


def give_back(*buckets: Bucket) -> None:
    """The try was none that counts: the password was right."""
    if settings.API_THROTTLES:
        _in_store(buckets, lambda store: store.give_back(buckets))


def remember(*buckets: Bucket, seconds: float) -> None:
    """Keep marks, of a device that signed in say, for so long."""
    if not settings.API_THROTTLES:
        return
    until = time.time() + seconds
    marks = [
        Limit(pk=each.key, rule=each.rule.name, account=each.account, used_until=until)
        for each in sorted(buckets, key=lambda each: each.key)
    ]
    Limit.objects.bulk_create(
        marks, update_conflicts=True, unique_fields=["key"], update_fields=["used_until"]
    )


def is_remembered(bucket: Bucket) -> bool:
    if not settings.API_THROTTLES:
        return False
    return Limit.objects.filter(pk=bucket.key, used_until__gt=time.time()).exists()


def waits_of(person: AbstractUser) -> list[tuple[Rule, float]]:
    """What this person, or who tries to be, has to wait for now, in seconds."""
    rows = Limit.objects.filter(account__in=_digests_of(person), rule__in=RULES)
    waits = [(RULES[row.rule], wait_of(row)) for row in rows.order_by("rule")]
    return [(rule, wait) for rule, wait in waits if wait > 0]


def wait_of(row: Limit) -> float:
    """Seconds until its bucket has room for one more; not above zero: now."""
    rule = RULES.get(row.rule)
    return 0.0 if rule is None else row.used_until - room_until(rule, time.time())


def clear(person: AbstractUser) -> int:
    """Let a person try again at once; how many limits that were not empty are empty now."""
    rows = Limit.objects.filter(
        account__in=_digests_of(person), rule__in=RULES, used_until__gt=time.time()
    )
    return rows.update(used_until=0, refused_at=None)


def prune() -> int:
    """Forget what is empty and has not been met for a week; how many."""
    long_ago = timezone.now() - REFUSALS_KEPT
    empty = Limit.objects.filter(used_until__lt=time.time())
    deleted, _ = empty.filter(Q(refused_at=None) | Q(refused_at__lt=long_ago)).delete()
    return deleted


def forget() -> None:
    """What this process alone remembers. For tests."""
    _memory.forget()
    _told_at.clear()


def _in_store(buckets: Sequence[Bucket], count: Callable[[Store], T]) -> T:
    if not all(bucket.rule.is_shared for bucket in buckets):
        return count(_memory)
    return _tried(lambda: count(_database), lambda: count(_memory))


def _tried(in_database: Callable[[], T], otherwise: Callable[[], T]) -> T:
    """In memory while the database fails: who cannot be counted is not let through uncounted. In a
    transaction its failure is the caller's."""
    try:
        return in_database()
    except DatabaseError as error:
        if connection.in_atomic_block:
            raise
        trouble.leave_connection()
        if _is_news("database"):
            events.log(events.LIMITS_IN_MEMORY, level=logging.WARNING, **trouble.fields(error))
        return otherwise()


def _tell(full: Full) -> None:
    """Tell the operator, in the log and in the admin's list."""
    bucket = full.bucket
    if not _is_news(bucket.key):
        return
    if bucket.rule.is_shared:
        _tried(lambda: _note_refusal(bucket), lambda: None)
    events.log(
        events.LIMIT_REACHED,
        level=logging.WARNING,
        limit=bucket.rule.name,
        bucket=bucket.digest[:SHOWN_DIGITS],
        wait_seconds=round(full.wait_seconds, 1),
    )


def _note_refusal(bucket: Bucket) -> None:
    Limit.objects.filter(pk=bucket.key).update(
        refused_at=timezone.now(), refusals=F("refusals") + 1
    )


def _is_news(key: str) -> bool:
    now = time.monotonic()
    if now - _told_at.get(key, -TOLD_EVERY_SECONDS) < TOLD_EVERY_SECONDS:
        return False
    if len(_told_at) >= MAX_TOLD:
        _told_at.clear()
    _told_at[key] = now
    return True


def _digests_of(person: AbstractUser) -> list[str]:
    return [account_digest(of_person(person)), account_digest(of_name(person.get_username()))]

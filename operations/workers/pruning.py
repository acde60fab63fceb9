"""Forgetting what nobody asks for any more: of each table a portion at a time, the oldest first.

What only says how a call went (attempts, events, reports of bulk actions, alerts that are over) is
kept for RETENTION_DAYS after its operation ended; 0: for ever. Operations stay, with their counts
and codes. The supervisor's sweep waits for a portion, and on SQLite everybody who writes does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Model, QuerySet

from operations import limits, metrics
from operations.database.clock import database_now
from operations.models import (
    Alert,
    Attempt,
    BulkAction,
    BulkItem,
    IdempotencyKey,
    OperationEvent,
    ProviderCapability,
    ProviderPause,
    ProviderRate,
    WorkerRestart,
)
from operations.upkeep import delete_oldest

PORTION = 1000
"""Rows of each table in a run."""

IDEMPOTENCY_KEYS_KEPT = timedelta(hours=24)


def prune() -> int:
    """How many rows. Any number of supervisors may do it at once."""
    now = database_now()
    limits.prune()
    metrics.prune()
    deleted = prune_idempotency_keys()
    deleted += _delete(ProviderCapability.objects.filter(expires_at__lt=now), "expires_at")
    deleted += _delete(ProviderRate.objects.filter(expires_at__lt=now), "expires_at")
    if settings.RETENTION_DAYS:
        before = now - timedelta(days=settings.RETENTION_DAYS)
        deleted += sum(_delete(rows, by) for rows, by in _kept_for_retention(before))
        deleted += _delete_events(before)
    return deleted


def prune_idempotency_keys() -> int:
    """Forget keys older than a day: a client that repeats a POST does so long before. Returns how
    many."""
    before = database_now() - IDEMPOTENCY_KEYS_KEPT
    return _delete(IdempotencyKey.objects.filter(created_at__lt=before), "pk")


def _kept_for_retention(before: datetime) -> Iterator[tuple[QuerySet[Model], str]]:
    """Rows, and what tells the oldest."""
    ended = Attempt.objects.filter(finished_at__lt=before, operation__finished_at__lt=before)
    yield ended, "finished_at"
    yield BulkItem.objects.filter(action__finished_at__lt=before), "pk"
    yield BulkAction.objects.filter(finished_at__lt=before, items=None), "pk"
    yield ProviderPause.objects.filter(resumed_at__lt=before), "resumed_at"
    yield Alert.objects.filter(resolved_at__lt=before), "pk"
    yield WorkerRestart.objects.filter(at__lt=before), "at"


def _delete_events(before: datetime) -> int:
    """In the order in which they were written: nothing else sorts them, and an index that does
    would be paid by every change of every operation. What was retried since stays."""
    oldest = OperationEvent.objects.order_by("pk").values_list("pk", "at")[: 2 * PORTION]
    old = [pk for pk, at in oldest if at < before]
    return _delete(
        OperationEvent.objects.filter(pk__in=old, operation__finished_at__lt=before), "pk"
    )


def _delete(rows: QuerySet[Any], oldest_by: str) -> int:
    return delete_oldest(rows, oldest_by, most=PORTION)

"""What may be forgotten, and when. Run by the supervisor now and then; idempotent."""

from __future__ import annotations

from datetime import timedelta

from operations.clock import database_now
from operations.models import IdempotencyKey

IDEMPOTENCY_KEYS_KEPT = timedelta(hours=24)


def prune_idempotency_keys() -> int:
    """Forget keys older than a day: a client that repeats a POST does so long before. Returns how
    many."""
    old = IdempotencyKey.objects.filter(created_at__lt=database_now() - IDEMPOTENCY_KEYS_KEPT)
    deleted, _ = old.delete()
    return deleted

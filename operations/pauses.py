"""Paused credentials: one bad key must not burn the calls of everybody who waits behind it.

An authentication or quota failure (decided by code, type or status) opens a pause for that base URL
and key. Operations of a paused credential stay pending; a probe is let through.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from operations import events
from operations.errors import OpenAIServiceError
from operations.models import Operation, ProviderPause
from operations.signals import provider_paused, provider_resumed

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

PROBE_INTERVAL = timedelta(seconds=60)
BY_HAND = "PAUSED_BY_OPERATOR"


def paused_credentials() -> set[str]:
    """The credentials that are paused now. Each claim asks: SQL, as in `engine.due`."""
    table = connection.ops.quote_name(ProviderPause._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT credential FROM {table} WHERE resumed_at IS NULL")  # noqa: S608
        return {credential for (credential,) in cursor.fetchall()}


def pause_by_hand(credential: str, *, at: datetime, actor: AbstractUser | None = None) -> bool:
    """Pause a credential because an operator says so. False where it was paused already."""
    _, opened = ProviderPause.objects.get_or_create(
        credential=credential,
        resumed_at=None,
        defaults={
            "error_category": "",
            "error_code": BY_HAND,
            "paused_at": at,
            "paused_by_id": actor.pk if actor else None,
        },
    )
    if opened:
        events.log_after_commit(events.PROVIDER_PAUSED, credential=credential, error_code=BY_HAND)
    return opened


def open_pause(operation: Operation, error: OpenAIServiceError, *, at: datetime) -> None:
    """Pause the operation's credential; already paused: nothing changes. Same transaction as the
    failure that says so."""
    if not operation.credential:
        return
    try:
        with transaction.atomic():
            pause = ProviderPause.objects.create(
                credential=operation.credential,
                own_key_owner=operation.owner if operation.own_key else None,
                error_category=str(error.category),
                error_code=error.error_code,
                operation_id=operation.pk,
                paused_at=at,
                probed_at=at,
            )
    except IntegrityError:
        return
    events.log_after_commit(
        events.PROVIDER_PAUSED,
        level=logging.ERROR,
        category=pause.error_category,
        error_code=pause.error_code,
        credential=pause.credential,
        **events.operation_fields(operation),
    )
    transaction.on_commit(lambda: provider_paused.send_robust(ProviderPause, pause=pause))


def close_pause(credential: str, *, at: datetime, actor: AbstractUser | None = None) -> bool:
    """Let the credential's operations run again. False where it was not paused."""
    pause = ProviderPause.objects.filter(credential=credential, resumed_at=None).first()
    if pause is None:
        return False
    closed = ProviderPause.objects.filter(pk=pause.pk, resumed_at=None).update(
        resumed_at=at, resumed_by=actor
    )
    if closed:
        events.log_after_commit(events.PROVIDER_RESUMED, credential=credential)
        transaction.on_commit(lambda: provider_resumed.send_robust(ProviderPause, pause=pause))
    return bool(closed)


def let_probes_through(*, at: datetime) -> int:
    """Mark the oldest waiting operation of each paused credential as its probe, at most once a
    minute. Returns how many were marked."""
    failing = ProviderPause.objects.filter(resumed_at=None).exclude(error_code=BY_HAND)
    due = failing.filter(Q(probed_at=None) | Q(probed_at__lte=at - PROBE_INTERVAL))
    return sum(probe(pause.credential, at=at) for pause in due)


def probe(credential: str, *, at: datetime) -> bool:
    """Let the oldest operation that waits for the credential try it. False: none waits."""
    oldest = (
        Operation.objects.filter(status=Operation.Status.PENDING, credential=credential)
        .filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=at))
        .order_by("queued_at", "id")
        .first()
    )
    if oldest is None:
        return False
    ProviderPause.objects.filter(credential=credential, resumed_at=None).update(probed_at=at)
    Operation.objects.filter(pk=oldest.pk, status=Operation.Status.PENDING).update(is_probe=True)
    events.log_after_commit(
        events.PROVIDER_PROBED, credential=credential, **events.operation_fields(oldest)
    )
    return True

"""Paused credentials: one bad key must not burn the calls of everybody who waits behind it.

An authentication or quota failure (decided by code, type or status) opens a pause for that base URL
and key: those of the process that called, which alone knows them. Whoever calls with a paused
credential leaves what waits for it; a probe is let through. What an operator holds back, everything
or one kind, waits whatever the key, and nothing is let through: docs/decisions/0034.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F

from operations import events
from operations.database import paused
from operations.database.clock import aware, stored
from operations.errors import OpenAIServiceError
from operations.kinds import all_kinds
from operations.models import PROVIDER_PROBE, Operation, ProviderPause
from operations.signals import provider_paused, provider_resumed

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

BY_HAND = "PAUSED_BY_OPERATOR"

RAMP = timedelta(seconds=8)
"""After a success that resumed a credential: as many starts in the first second, then twice as many
in each that follows, then all. The key may have been mended for one call only."""


RETIRED_AFTER = timedelta(minutes=30)
"""Three times the longest interval of probes."""


@dataclass(frozen=True)
class Ramp:
    """A credential that was resumed a moment ago."""

    pause_id: int
    resumed_at: datetime

    def allowed(self, at: datetime) -> int:
        """How many operations may have been started by then: 1, 3, 7, 15."""
        seconds = max(0.0, (at - self.resumed_at).total_seconds())
        return int(2 ** (int(seconds) + 1)) - 1


@dataclass(frozen=True)
class Pauses:
    """Of one moment."""

    paused: Mapping[str, int | None]
    """Credentials, each with the id of its owner where it is a person's own key."""
    ramps: Mapping[str, Ramp]
    """By credential."""
    kinds: frozenset[str]
    """What an operator holds back whatever the key; "" is everything."""


def paused_credentials() -> set[str]:
    """The credentials that are paused now."""
    return set(paused.OPEN.exclude(credential="").values_list("credential", flat=True))


def pauses_at(at: datetime) -> Pauses:
    """What holds claims back at this time. Each of them asks: SQL, as in `engine.due`."""
    table = connection.ops.quote_name(ProviderPause._meta.db_table)
    recent = "resumed_at IS NULL OR (resumed_at > %s AND let_through IS NOT NULL)"
    columns = "id, credential, kind, own_key_owner_id, resumed_at"
    sql = f"SELECT {columns} FROM {table} WHERE {recent} ORDER BY id"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [stored(at - RAMP)])
        rows = cursor.fetchall()
    still_open = [row for row in rows if row[-1] is None]
    return Pauses(
        paused={key: owner for _, key, _, owner, _ in still_open if key},
        ramps={
            key: Ramp(pk, aware(resumed)) for pk, key, _, _, resumed in rows if resumed is not None
        },
        kinds=frozenset(kind for _, key, kind, _, _ in still_open if not key),
    )


def ramp_room(ramp: Ramp, *, at: datetime) -> int:
    """How many more may be started now. Until the commit nobody else is told the same."""
    pause = ProviderPause.objects.select_for_update().get(pk=ramp.pause_id)
    return max(0, ramp.allowed(at) - (pause.let_through or 0))


def note_let_through(ramp: Ramp, count: int) -> None:
    ProviderPause.objects.filter(pk=ramp.pause_id).update(let_through=F("let_through") + count)


def pausable_kinds() -> list[str]:
    """Those that somebody waits for."""
    return [kind.name for kind in all_kinds() if kind.name != PROVIDER_PROBE]


def pause_by_hand(
    *,
    credential: str = "",
    kind: str = "",
    at: datetime,
    actor: AbstractUser | None = None,
    reason: str = "",
) -> bool:
    """Hold back a credential, a kind or, where neither is named, everything, because an operator
    says so. False where it was paused already."""
    _, opened = ProviderPause.objects.get_or_create(
        credential=credential,
        kind=kind,
        resumed_at=None,
        defaults={
            "own_key_owner_id": _owner_of(credential),
            "error_category": "",
            "error_code": BY_HAND,
            "paused_at": at,
            "paused_by_id": actor.pk if actor else None,
            "reason": reason,
        },
    )
    if opened:
        events.log_after_commit(
            events.PROVIDER_PAUSED, **_what(credential, kind), error_code=BY_HAND
        )
    return opened


def _owner_of(credential: str) -> int | None:
    """Whose own key it is; None: the installation's, or one that nothing was called with."""
    called = Operation.objects.filter(credential=credential, own_key=True)
    return called.order_by().values_list("owner_id", flat=True).first()


def open_pause(operation: Operation, error: OpenAIServiceError, *, at: datetime) -> bool:
    """Pause the operation's credential, in the transaction of the failure that says so. False where
    it was paused already: of many that find out at once, one opens the pause."""
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
        return False
    events.log_after_commit(
        events.PROVIDER_PAUSED,
        level=logging.ERROR,
        category=pause.error_category,
        error_code=pause.error_code,
        credential=pause.credential,
        **events.operation_fields(operation),
    )
    transaction.on_commit(lambda: provider_paused.send_robust(ProviderPause, pause=pause))
    return True


def close_after_success(credential: str, *, at: datetime) -> bool:
    """What was sent although its credential is paused succeeded: the others follow, few at first.
    What an operator holds back is theirs to resume. False where nothing was closed."""
    pause = paused.OPEN.exclude(error_code=BY_HAND).filter(credential=credential).first()
    return pause is not None and _close(pause, at=at, in_ramp=True)


def close_pause(
    *, credential: str = "", kind: str = "", at: datetime, actor: AbstractUser | None = None
) -> bool:
    """Let what this pause held back run again, all at once. False where it was not paused."""
    pause = paused.OPEN.filter(credential=credential, kind=kind).first()
    return pause is not None and _close(pause, at=at, actor=actor)


def close_retired(*, at: datetime) -> int:
    """Close the pauses of keys that the installation has not used for a while: they hold nobody
    back, and whoever has such a key again finds out by its first call. Returns how many.

    A living worker probes the key that it calls with, so a pause that nobody has probed for so long
    is of a key that was replaced, unless no worker lives that could have done it."""
    long_ago = at - RETIRED_AFTER
    refused = paused.OPEN.filter(own_key_owner=None)
    old = refused.filter(paused_at__lt=long_ago).exclude(probed_at__gte=long_ago)
    candidates = list(old.exclude(error_code=BY_HAND))
    labels = paused.labels_in_use() if candidates else set()
    return sum(
        _close(pause, at=at) for pause in candidates if labels and pause.credential not in labels
    )


def close_pauses_of(owner: AbstractUser, *, at: datetime, actor: AbstractUser) -> int:
    """Those of this person's own key, which is another one now, or gone; how many. What an operator
    paused is the operator's to resume."""
    theirs = paused.OPEN.filter(own_key_owner=owner.pk)
    return sum(_close(pause, at=at, actor=actor) for pause in theirs.exclude(error_code=BY_HAND))


def _close(
    pause: ProviderPause,
    *,
    at: datetime,
    actor: AbstractUser | None = None,
    in_ramp: bool = False,
) -> bool:
    closed = ProviderPause.objects.filter(pk=pause.pk, resumed_at=None).update(
        resumed_at=at, resumed_by=actor, let_through=0 if in_ramp else None
    )
    if closed:
        events.log_after_commit(events.PROVIDER_RESUMED, **_what(pause.credential, pause.kind))
        transaction.on_commit(lambda: provider_resumed.send_robust(ProviderPause, pause=pause))
    return bool(closed)


def _what(credential: str, kind: str) -> dict[str, Any]:
    """Fields of the log."""
    return {"credential": credential or None, "operation_kind": kind or None}

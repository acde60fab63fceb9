"""Who is held back, by open pauses or by a rate limit, read from the rows alone: any process may
ask, also one that has another key than the workers, or none.

An operation waits for the installation's key or for its owner's own. The installation's is whatever
the living drains call with: one of them whose key is not paused takes what waits, so a pause holds
the installation back only while there is none. What an operator holds back waits whatever the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, When

from operations.database.clock import DatabaseNow, database_now
from operations.models import Operation, ProviderPause, ProviderRate, WorkerHeartbeat

OPEN = ProviderPause.objects.filter(resumed_at=None)
OF_INSTALLATION = OPEN.filter(own_key_owner=None).exclude(credential="")
_OWNERS = OPEN.exclude(own_key_owner=None).values("own_key_owner")


def _of_kind(kind: Any) -> QuerySet[ProviderPause]:
    """An operator's, of everything or of this kind."""
    return OPEN.filter(Q(kind="") | Q(kind=kind), credential="")


def _newest_code(pauses: QuerySet[ProviderPause]) -> Subquery:
    return Subquery(pauses.order_by("-paused_at").values("error_code")[:1])


CODE_OF_PAUSE = Case(
    When(Exists(_of_kind(OuterRef("kind"))), then=_newest_code(_of_kind(OuterRef("kind")))),
    When(own_key=True, then=_newest_code(OPEN.filter(own_key_owner=OuterRef("owner")))),
    default=_newest_code(OF_INSTALLATION),
)
"""Of an operation that is held back: why."""

NOBODY = Q(pk__in=[])


@dataclass(frozen=True)
class Held:
    """Which operations are left as they are."""

    everything: bool = False
    """An operator says so: probes wait, too."""
    kinds: frozenset[str] = frozenset()
    """Likewise, of these."""
    installation: bool = False
    """The installation's, but for probes: the key that they would be called with is paused."""
    owners: frozenset[int] = frozenset()
    """Likewise those that wait for these people's own keys."""
    slow_installation: bool = False
    """The installation's, probes too: its key may not be called any faster."""
    slow_owners: frozenset[int] = frozenset()
    """Likewise those that wait for these people's own keys."""


def held_now() -> Held:
    """One query, and a second one while a key of the installation is paused."""
    rows = list(OPEN.values_list("credential", "kind", "own_key_owner"))
    by_hand = {kind for credential, kind, _ in rows if not credential}
    is_paused = any(credential and owner is None for credential, _, owner in rows)
    return Held(
        everything="" in by_hand,
        kinds=frozenset(by_hand - {""}),
        installation=is_paused and not _able_drains(database_now()).exists(),
        owners=frozenset(owner for _, _, owner in rows if owner is not None),
    )


def held_back() -> Q:
    """Which pending operations wait behind a pause, worked out within the statement."""
    installation = Q(Exists(OF_INSTALLATION)) & ~Q(Exists(_able_drains(DatabaseNow())))
    by_hand = Q(Exists(_of_kind(OuterRef("kind"))))
    return by_hand | Q(is_probe=False) & (
        (Q(own_key=False) & installation) | Q(own_key=True, owner__in=_OWNERS)
    )


def held_back_now() -> Q:
    """The same with values in it, so that indexes serve."""
    held = held_now()
    if held.everything:
        return Q(status=Operation.Status.PENDING)
    by_key = Q(own_key=True, owner__in=held.owners) if held.owners else NOBODY
    if held.installation:
        by_key |= Q(own_key=False)
    by_hand = Q(kind__in=held.kinds) if held.kinds else NOBODY
    return by_hand | Q(is_probe=False) & by_key


def waiting_rates(now: Any) -> QuerySet[ProviderRate]:
    """Those for which due work waits."""
    return ProviderRate.objects.filter(waits_until__gt=now)


def slowed(now: Any) -> Q:
    """Which pending operations wait because their key may not be called any faster."""
    waiting = waiting_rates(now)
    owners = waiting.exclude(own_key_owner=None).values("own_key_owner")
    return (Q(own_key=False) & Exists(waiting.filter(own_key_owner=None))) | Q(
        own_key=True, owner__in=owners
    )


def rates_of_installation(now: Any) -> QuerySet[ProviderRate]:
    """Those that are known and hold. Where one key replaced another both are, for a day."""
    return ProviderRate.objects.filter(own_key_owner=None, expires_at__gt=now)


def pauses_of(operation: Operation) -> QuerySet[ProviderPause]:
    """The open pauses that it may wait behind: an operator's, or of its key: its owner's, or one of
    the installation's."""
    of_key = Q(own_key_owner=operation.owner_id) if operation.own_key else Q(own_key_owner=None)
    by_hand = Q(credential="") & (Q(kind="") | Q(kind=operation.kind))
    return OPEN.filter(by_hand | of_key & ~Q(credential=""))


def is_behind(operation: Operation, credential: str, kind: str, owner: int | None) -> bool:
    """Whether a pause with these columns is one of `pauses_of` this operation."""
    if not credential:
        return kind in ("", operation.kind)
    return owner == (operation.owner_id if operation.own_key else None)


def of_keys_in_use() -> QuerySet[ProviderPause]:
    """The open pauses of the installation, but for those of keys that no living drain calls with.
    None lives: nobody knows."""
    living = _with_a_key(DatabaseNow())
    is_in_use = Q(credential__in=living.values("credential")) | ~Q(Exists(living))
    return OF_INSTALLATION.filter(is_in_use)


def labels_in_use() -> set[str]:
    """The installation's credentials that living drains call with."""
    return set(_with_a_key(database_now()).values_list("credential", flat=True))


def _able_drains(now: Any) -> QuerySet[WorkerHeartbeat]:
    """Living drains that take work and whose key is not paused."""
    able = _with_a_key(now).filter(accepts_work=True)
    return able.exclude(credential__in=OPEN.values("credential"))


def _with_a_key(now: Any) -> QuerySet[WorkerHeartbeat]:
    """Living drains."""
    return WorkerHeartbeat.objects.filter(expires_at__gt=now).exclude(credential="")

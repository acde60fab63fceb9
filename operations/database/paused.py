"""Who is held back by open pauses, read from the rows alone: any process may ask, also one that has
another key than the workers, or none.

An operation waits for the installation's key or for its owner's own. The installation's is whatever
the living drains call with: one of them whose key is not paused takes what waits, so a pause holds
the installation back only while there is none.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, When

from operations.database.clock import DatabaseNow, database_now
from operations.models import Operation, ProviderPause, WorkerHeartbeat

OPEN = ProviderPause.objects.filter(resumed_at=None)
OF_INSTALLATION = OPEN.filter(own_key_owner=None)
_OWNERS = OPEN.exclude(own_key_owner=None).values("own_key_owner")


def _newest_code(pauses: QuerySet[ProviderPause]) -> Subquery:
    return Subquery(pauses.order_by("-paused_at").values("error_code")[:1])


CODE_OF_PAUSE = Case(
    When(own_key=True, then=_newest_code(OPEN.filter(own_key_owner=OuterRef("owner")))),
    default=_newest_code(OF_INSTALLATION),
)
"""Of an operation that is held back: why."""

NOBODY = Q(pk__in=[])


def held_back() -> Q:
    """Which pending operations wait behind a pause, worked out within the statement."""
    installation = Q(Exists(OF_INSTALLATION)) & ~Q(Exists(_able_drains(DatabaseNow())))
    return Q(is_probe=False) & (
        (Q(own_key=False) & installation) | Q(own_key=True, owner__in=_OWNERS)
    )


def held_back_now() -> Q:
    """The same with values in it, so that indexes serve."""
    owners = list(_OWNERS.values_list("own_key_owner", flat=True))
    held = Q(own_key=True, owner__in=owners) if owners else NOBODY
    if installation_is_paused():
        held |= Q(own_key=False)
    return Q(is_probe=False) & held


def pauses_of(operation: Operation) -> QuerySet[ProviderPause]:
    """The open pauses of the key that it waits for: its owner's, or one of the installation's."""
    if operation.own_key:
        return OPEN.filter(own_key_owner=operation.owner_id)
    return OF_INSTALLATION.all()


def installation_is_paused() -> bool:
    return OF_INSTALLATION.exists() and not _able_drains(database_now()).exists()


def labels_in_use() -> set[str]:
    """The installation's credentials that living drains call with. None lives: nobody knows."""
    living = WorkerHeartbeat.objects.filter(expires_at__gt=database_now())
    return set(living.exclude(credential="").values_list("credential", flat=True))


def _able_drains(now: Any) -> QuerySet[WorkerHeartbeat]:
    """Living drains that take work and whose key is not paused."""
    living = WorkerHeartbeat.objects.filter(expires_at__gt=now, accepts_work=True)
    return living.exclude(credential="").exclude(credential__in=OPEN.values("credential"))

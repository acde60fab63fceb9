"""What the operator's console counts: states, errors by window, pauses, workers.

Reads only, a constant number of queries whatever the number of rows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db.models import Case, Count, F, Max, Min, Q, When

from operations import budgets, metrics
from operations.console import telling
from operations.console.health import health
from operations.database import paused
from operations.database.clock import database_now
from operations.database.states import STATES, count_unfinished, in_state
from operations.errors import Category
from operations.models import (
    Operation,
    ProviderPause,
    WorkerHeartbeat,
    WorkerRestart,
)

WINDOWS: dict[str, timedelta] = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
}


def state_counts() -> dict[str, int]:
    """How many operations are in each of STATES. Three queries."""
    finals = Operation.objects.exclude(status__in=Operation.UNFINISHED).order_by()
    by_status = dict(finals.values_list("status").annotate(n=Count("*")))
    unseen = Operation.objects.filter(in_state("failed")).count()
    acknowledged = by_status.get(Operation.Status.FAILED, 0) - unseen
    return {
        **dict.fromkeys(STATES, 0),
        **by_status,
        **count_unfinished(),
        "failed": unseen,
        "acknowledged": acknowledged,
    }


GROUPS = 5
"""Of equal failures that are shown: the rest is a filter away."""


def equal_failures() -> list[Any]:
    """Open failures of one kind with one code: how many, the first and the last. One query."""
    failed = Operation.objects.filter(in_state("failed")).order_by()
    groups = failed.values("kind", "error_code").annotate(
        count=Count("*"), first=Min("finished_at"), last=Max("finished_at")
    )
    return list(groups.order_by("-count", "error_code", "kind")[:GROUPS])


@dataclass(frozen=True)
class Cell:
    window: str
    count: int
    heat: int
    """0 for none, 1 to 5: how this count stands to the highest one of its window."""


@dataclass(frozen=True)
class HeatRow:
    category: str
    cells: list[Cell]


def heat_map() -> list[HeatRow]:
    """Failures that nobody has mended or acknowledged, by category and by how long ago."""
    now = database_now()
    rows = (
        Operation.objects.filter(in_state("failed"))
        .filter(finished_at__gte=now - max(WINDOWS.values()))
        .order_by()
        .values("error_category")
        .annotate(
            **{
                f"in_{window}": Count("pk", filter=Q(finished_at__gte=now - length))
                for window, length in WINDOWS.items()
            }
        )
    )
    counts: dict[str, Any] = {row["error_category"]: row for row in rows}
    highest = {
        window: max((row[f"in_{window}"] for row in counts.values()), default=0)
        for window in WINDOWS
    }
    return [
        HeatRow(
            str(category),
            [
                Cell(window, n, ceil(5 * n / highest[window]) if n else 0)
                for window in WINDOWS
                for n in [counts.get(str(category), {}).get(f"in_{window}", 0)]
            ],
        )
        for category in Category
    ]


@dataclass(frozen=True)
class Paused:
    pause: ProviderPause
    waiting: int
    is_in_use: bool
    """Whether anybody calls with it: the pause of a key that was replaced holds nobody back."""


def paused_now() -> list[Paused]:
    """Open pauses with how many operations wait behind each. At most five queries."""
    open_pauses = list(paused.OPEN.select_related("paused_by").order_by("paused_at"))
    if not open_pauses:
        return []
    labels = paused.labels_in_use()
    held = _held_by_owner_and_kind()
    return [
        Paused(pause, _waiting(pause, held) if is_in_use else 0, is_in_use)
        for pause in open_pauses
        for is_in_use in [_is_in_use(pause, labels)]
    ]


def _is_in_use(pause: ProviderPause, labels: set[str]) -> bool:
    is_of_installation = pause.credential and pause.own_key_owner_id is None
    return not is_of_installation or not labels or pause.credential in labels


def _held_by_owner_and_kind() -> dict[tuple[int | None, str], int]:
    """How many are held back, by the owner of the key that they wait for (None: the
    installation's) and their kind."""
    held = Operation.objects.filter(paused.held_back_now(), status=Operation.Status.PENDING)
    whose = Case(When(own_key=True, then=F("owner_id")), default=None)
    rows = held.order_by().values_list(whose, "kind").annotate(n=Count("*"))
    return {(owner, kind): count for owner, kind, count in rows}


def _waiting(pause: ProviderPause, held: dict[tuple[int | None, str], int]) -> int:
    if not pause.credential:
        return sum(count for (_, kind), count in held.items() if pause.kind in ("", kind))
    return sum(count for (owner, _), count in held.items() if owner == pause.own_key_owner_id)


def workers() -> list[WorkerHeartbeat]:
    """All that have signed on and not off: a dead one is seen by its old beat."""
    return list(WorkerHeartbeat.objects.order_by("hostname", "pid"))


def stats() -> dict[str, Any]:
    """The contract's numbers for programs: what `operation_stats` prints."""
    now = health()
    statuses = dict.fromkeys(Operation.Status.values, 0)
    rows = Operation.objects.order_by().values_list("status").annotate(n=Count("*"))
    return {
        "by_status": statuses | dict(rows),
        "by_state": state_counts(),
        "errors": {window: errors_since(WINDOWS[window]) for window in ("1h", "24h")},
        "oldest_pending_seconds": round(now.due.oldest_seconds, 1),
        "due": _count_due(),
        "in_flight": now.in_flight,
        "workers": now.workers,
        "paused": [
            {
                "credential": each.pause.credential,
                "kind": each.pause.kind,
                "category": each.pause.error_category,
                "error_code": each.pause.error_code,
                "paused_at": each.pause.paused_at.isoformat(),
                "waiting": each.waiting,
            }
            for each in paused_now()
        ],
        "spending": _spending(),
        "alerts": [telling.as_data(notice) for notice in telling.notices(now)],
    }


def _spending() -> dict[str, Any]:
    """Of the present month, with the installation's key."""
    now = budgets.overview()
    return {**now.all.as_data(), "people_stopped": len(now.stopped)}


def _count_due() -> int:
    """All of them, where `health` stops counting."""
    now = database_now()
    pending = Operation.objects.filter(status=Operation.Status.PENDING)
    not_paused = pending.exclude(paused.held_back_now() | paused.slowed(now))
    return not_paused.filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)).count()


def errors_since(length: timedelta) -> dict[str, int]:
    """How often operations failed within this time, by category, whatever became of them."""
    failed: Counter[str] = Counter()
    for ended in metrics.ended_since(metrics.OPERATIONS, database_now() - length):
        if ended.outcome == Operation.Status.FAILED:
            failed[ended.category] += ended.count
    return dict(failed)


@dataclass(frozen=True)
class Restarts:
    """How often clusters had to be started again in the last day, and why the last time."""

    by_reason: dict[str, int]
    newest: WorkerRestart | None


def restarts(now: datetime) -> Restarts:
    rows = WorkerRestart.objects.filter(at__gt=now - timedelta(days=1))
    counted = rows.order_by().values_list("reason").annotate(Count("pk"))
    return Restarts(dict(counted), rows.first())

"""What stands above the list: is anything wrong, where, since when, what can be done at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils import timezone

from operations import budgets
from operations.admin import drawing, words
from operations.admin.columns import kind_label, paused_by_hand
from operations.admin.filters import ALL, ATTENTION, NEEDS_ATTENTION, asks_for_nothing
from operations.budgets import Month
from operations.console import counts, history, telling
from operations.console.conditions import is_explained
from operations.console.health import health
from operations.console.history import Stretch
from operations.console.telling import Notice
from operations.database.states import STATES
from operations.errors import RULES, rule_of
from operations.models import WorkerHeartbeat
from operations.pauses import pausable_kinds
from operations.queries import VIEW_ALL

VIEW_ALERTS = "operations.view_alert"


@dataclass(frozen=True)
class Chip:
    state: str
    label: str
    count: int
    query: str
    is_selected: bool


def chips(request: HttpRequest, numbers: dict[str, int]) -> list[Chip]:
    """A chip a state. Its link keeps no other filter: the count beside it is of all rows."""
    return [
        Chip(state, label, numbers[state], f"?state={state}", request.GET.get("state") == state)
        for state, label in STATES.items()
    ]


@dataclass(frozen=True)
class Worker:
    name: str
    in_flight: int
    beat: str
    up: str
    state: str


def worker_rows(now: datetime) -> list[Worker]:
    return [
        Worker(
            str(beat),
            beat.in_flight,
            f"{words.age(beat.beat_at, now)} ago",
            words.age(beat.started_at, now),
            _worker_state(beat, now),
        )
        for beat in counts.workers()
    ]


def _worker_state(beat: WorkerHeartbeat, now: datetime) -> str:
    if beat.expires_at <= now:
        return "dead"
    return "working" if beat.accepts_work else "finishing"


def restart_words(now: datetime) -> str:
    """ "2 exited, 1 stuck; the last 5 min ago: exit code -9"; empty for a quiet day."""
    restarts = counts.restarts(now)
    if restarts.newest is None:
        return ""
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(restarts.by_reason.items()))
    newest = restarts.newest
    why = newest.reason if newest.exit_code is None else f"exit code {newest.exit_code}"
    return f"{reasons}; the last {words.age(newest.at, now)} ago: {why}"


@dataclass(frozen=True)
class Paused:
    pk: int
    what: str
    """Of an operator's pause: "Everything", or a kind."""
    credential: str
    code: str
    since: str
    remedy: str
    reason: str
    by: str
    waiting: int
    probed: str
    is_in_use: bool
    told: str
    """Who knows of it, where somebody has to."""


def paused_rows(now: datetime, notices: list[Notice]) -> list[Paused]:
    told = {notice.condition.key: notice.told_words for notice in notices}
    return [_paused_row(row, told, now) for row in counts.paused_now()]


def _paused_row(row: counts.Paused, told: Mapping[tuple[str, str], str], now: datetime) -> Paused:
    pause = row.pause
    return Paused(
        pk=pause.pk,
        what=paused_by_hand(pause),
        credential=pause.credential,
        code=pause.error_code,
        since=words.age(pause.paused_at, now),
        remedy=RULES[pause.error_code].remedy if pause.error_code in RULES else "",
        reason=pause.reason,
        by=pause.paused_by.get_username() if pause.paused_by else "",
        waiting=row.waiting,
        probed=f"{words.age(pause.probed_at, now)} ago" if pause.probed_at else "never",
        is_in_use=row.is_in_use,
        told=told.get((pause.error_code, pause.credential), ""),
    )


@dataclass(frozen=True)
class Group:
    kind: str
    label: str
    code: str
    count: int
    first: str
    last: str
    will_fail_again: bool


def group_rows(now: datetime) -> list[Group]:
    """Equal failures, the most frequent first."""
    return [
        Group(
            row["kind"],
            kind_label(row["kind"]),
            row["error_code"],
            row["count"],
            f"{words.age(row['first'], now)} ago",
            f"{words.age(row['last'], now)} ago",
            not rule_of(row["error_code"]).retryable,
        )
        for row in counts.equal_failures()
    ]


@dataclass(frozen=True)
class Spending:
    """Of the present month."""

    month: Month
    user_budget_usd: Decimal | None
    stopped: int
    stopped_names: str
    """Of the dearest."""

    @property
    def is_worth_a_line(self) -> bool:
        return bool(self.month.spent.tokens or self.month.budget_usd or self.user_budget_usd)

    @property
    def cannot_be_held(self) -> bool:
        has_budget = self.month.budget_usd or self.user_budget_usd
        return bool(has_budget and self.month.spent.unpriced_tokens)


NAMED = 5


def _spending() -> Spending:
    """Two statements, and one more where somebody is stopped."""
    overview = budgets.overview()
    ids = overview.stopped[:NAMED]
    people = get_user_model().objects.in_bulk(ids) if ids else {}
    names = ", ".join(people[each].get_username() for each in ids if each in people)
    return Spending(overview.all, overview.user_budget_usd, len(overview.stopped), names)


def _told_nowhere_else(notices: list[Notice], pauses: list[Paused]) -> list[Notice]:
    """A pause has its own box, and what follows from another one needs none."""
    in_a_box = {(pause.code, pause.credential) for pause in pauses}
    known = {notice.condition.key for notice in notices}
    return [
        notice
        for notice in notices
        if notice.condition.key not in in_a_box
        and not is_explained(notice.condition, known - {notice.condition.key})
    ]


def heading(request: HttpRequest) -> dict[str, Any]:
    """The context of the list's header, in a fixed number of queries."""
    now = timezone.now()
    buckets = history.last_hour()
    now_moving = health()
    numbers = counts.state_counts()
    workers = worker_rows(now)
    notices = telling.notices(now_moving) if request.user.has_perm(VIEW_ALERTS) else []
    pauses = paused_rows(now, notices)
    return {
        "chips": chips(request, numbers),
        "windows": list(counts.WINDOWS),
        "heat_rows": counts.heat_map(),
        "buckets": [bucket for bucket in reversed(buckets) if bucket.durations or _ended(bucket)],
        "ended": {
            "completed": sum(bucket.completed for bucket in buckets),
            "failed": sum(bucket.failed for bucket in buckets),
        },
        "slowest_p95": max((bucket.p95_ms or 0 for bucket in buckets), default=0),
        "newest_median": next((b.median_ms for b in reversed(buckets) if b.median_ms), None),
        "throughput_bars": drawing.throughput_bars(buckets),
        "latency": drawing.latency_lines(buckets),
        "health": now_moving,
        "oldest_due": words.length(now_moving.due.oldest_seconds) if now_moving.due.count else "",
        "workers": workers,
        "restarts": restart_words(now),
        "pauses": pauses,
        "notices": _told_nowhere_else(notices, pauses),
        "spending": _spending() if request.user.has_perm(VIEW_ALL) else None,
        "may_resume": request.user.has_perm("operations.resume_provider"),
        "pausable_kinds": [(kind, kind_label(kind)) for kind in pausable_kinds()],
        "is_attention": asks_for_nothing(request.GET) or request.GET.get("state") == ATTENTION,
        "is_all": request.GET.get("state") == ALL,
        "needing": sum(numbers[state] for state in NEEDS_ATTENTION),
        "groups": group_rows(now) if numbers["failed"] else [],
    }


def _ended(bucket: Stretch) -> int:
    return bucket.completed + bucket.failed

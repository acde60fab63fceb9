"""What stands above the list: is anything wrong, where, since when, what can be done at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from operations import console, queries
from operations.admin import drawing, words
from operations.credentials import installation_credential
from operations.errors import RULES, AuthenticationError
from operations.models import WorkerHeartbeat


@dataclass(frozen=True)
class Chip:
    state: str
    label: str
    count: int
    query: str
    is_selected: bool


def chips(request: HttpRequest, counts: dict[str, int]) -> list[Chip]:
    """A chip a state. Its link keeps no other filter: the count beside it is of all rows."""
    return [
        Chip(state, label, counts[state], f"?state={state}", request.GET.get("state") == state)
        for state, label in console.STATES.items()
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
        for beat in console.workers()
    ]


def _worker_state(beat: WorkerHeartbeat, now: datetime) -> str:
    if beat.expires_at <= now:
        return "dead"
    return "working" if beat.accepts_work else "finishing"


def restart_words(now: datetime) -> str:
    """ "2 exited, 1 stuck; the last 5 min ago: exit code -9"; empty for a quiet day."""
    restarts = console.restarts(now)
    if restarts.newest is None:
        return ""
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(restarts.by_reason.items()))
    newest = restarts.newest
    why = newest.reason if newest.exit_code is None else f"exit code {newest.exit_code}"
    return f"{counts}; the last {words.age(newest.at, now)} ago: {why}"


@dataclass(frozen=True)
class Paused:
    pk: int
    credential: str
    code: str
    since: str
    remedy: str
    waiting: int
    probed: str
    is_in_use: bool


def paused_rows(now: datetime) -> list[Paused]:
    current = _current_credential()
    return [
        Paused(
            row.pause.pk,
            row.pause.credential,
            row.pause.error_code,
            words.age(row.pause.paused_at, now),
            RULES[row.pause.error_code].remedy if row.pause.error_code in RULES else "",
            row.waiting,
            f"{words.age(row.pause.probed_at, now)} ago" if row.pause.probed_at else "never",
            row.pause.own_key_owner_id is not None or row.pause.credential == current,
        )
        for row in console.paused_now()
    ]


def heading(request: HttpRequest) -> dict[str, Any]:
    """The context of the list's header, in a fixed number of queries."""
    now = timezone.now()
    buckets = console.last_hour()
    health = queries.worker_health()
    workers = worker_rows(now)
    return {
        "chips": chips(request, console.state_counts()),
        "windows": list(console.WINDOWS),
        "heat_rows": console.heat_map(),
        "buckets": [bucket for bucket in reversed(buckets) if bucket.durations or _ended(bucket)],
        "ended": {
            "completed": sum(bucket.completed for bucket in buckets),
            "failed": sum(bucket.failed for bucket in buckets),
        },
        "slowest_p95": max((bucket.p95_ms or 0 for bucket in buckets), default=0),
        "newest_median": next((b.median_ms for b in reversed(buckets) if b.median_ms), None),
        "throughput_bars": drawing.throughput_bars(buckets),
        "latency": drawing.latency_lines(buckets),
        "health": health,
        "oldest_due": words.length(health.oldest_due_seconds) if health.due else "",
        "workers": workers,
        "restarts": restart_words(now),
        "paused_credentials": paused_rows(now),
        "may_resume": request.user.has_perm("operations.resume_provider"),
        "is_unfiltered": not request.GET,
    }


def _ended(bucket: console.Bucket) -> int:
    return bucket.completed + bucket.failed


def _current_credential() -> str:
    try:
        return installation_credential().label
    except AuthenticationError:
        return ""

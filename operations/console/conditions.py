"""What is wrong now: the one list that alerts, the console, `operations_health`, `doctor` and
`/readyz` read.

Most of it is worked out of the rows of the moment. What leaves no state behind (a call that met a
wrong model name), and what only a success can disprove (an outage at night, when nobody calls), is
held by its open alert.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from operations import budgets, metrics
from operations.console import disk
from operations.console.health import OF_THE_PROVIDER, Health, health
from operations.database import paused
from operations.database.clock import database_now
from operations.errors import RULES, Category, category_of
from operations.models import Alert, WorkerRestart
from operations.pauses import BY_HAND

NO_WORKER = "no_worker"
OLDEST_WAITING = "oldest_waiting"
PAUSED_WORK = "paused_work"
CALLS_FAIL = "calls_fail"
ERROR_RATE = "error_rate"
RESTART_LOOP = "restart_loop"
DISK = "disk"
UNDELIVERED = "undelivered"
BUDGET = "budget"

REMEDIES = {
    NO_WORKER: "Start manage.py operations_worker, or read its log. Answers are saved and wait.",
    OLDEST_WAITING: "Raise OPERATIONS_WORKERS or OPERATIONS_CONCURRENCY, or read the worker's log.",
    PAUSED_WORK: "Mend what paused it, then manage.py resume_provider.",
    CALLS_FAIL: "See the provider's status page and manage.py doctor; then retry what failed.",
    ERROR_RATE: "Look at the newest failures of this category in the console.",
    RESTART_LOOP: "Read the worker's log: memory limits, kills of the machine, a wedged broker.",
    DISK: "Make room, before answers cannot be saved.",
    BUDGET: "Raise BUDGET_USD_PER_MONTH and restart, or wait for the next month; then retry.",
    UNDELIVERED: "Check ADMINS, EMAIL_URL and ALERT_WEBHOOK_URL.",
}

PLACES = {NO_WORKER: "worker", OLDEST_WAITING: "worker", RESTART_LOOP: "worker", DISK: "room"}
"""Where /readyz says it: a check's name. What is named nowhere is the provider's."""

MAX_LAG_SECONDS = 60.0
RESTARTS_SINCE = timedelta(minutes=10)
MOST_RESTARTS = 4

FEWEST_FAILED = 10
RISEN = 3.0
"""So many times the share of its own past."""
LEAST_SHARE = 0.1
PAST = timedelta(hours=24)
NEWEST_PAST = timedelta(minutes=10)
"""What is judged must not be its own measure."""
FEWEST_PAST_CALLS = 50
"""An installation without a past is judged by `Calls.are_failing` alone."""

UNPREDICTIVE = (Category.CONTENT_BLOCKED,)
"""One text's fault each."""


@dataclass(frozen=True)
class Condition:
    name: str
    """An error code, or one of REMEDIES."""
    subject: str
    """A credential, category or channel; empty: all."""
    text: str
    """A clause for an operator, codes and numbers alone."""
    operation_id: UUID | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.subject

    @property
    def place(self) -> str:
        return "alerts" if self.name == UNDELIVERED else PLACES.get(self.name, "provider")


def remedy_of(name: str) -> str:
    return str(RULES[name].remedy) if name in RULES else REMEDIES.get(name, "")


def is_held_by_its_alert(name: str) -> bool:
    """Its end shows in a success alone, not in that it cannot be seen any more."""
    if name in RULES:
        return not RULES[name].pauses
    return name in (CALLS_FAIL, ERROR_RATE)


def current(now: Health | None = None, *, max_lag: float = MAX_LAG_SECONDS) -> list[Condition]:
    """All that somebody should look at. `max_lag`: seconds that work may wait."""
    return [condition for condition, _ in current_with_alerts(now, max_lag=max_lag)]


def current_with_alerts(
    now: Health | None = None, *, max_lag: float = MAX_LAG_SECONDS
) -> list[tuple[Condition, Alert | None]]:
    """The same, each with its open alert where it has one."""
    alerts = {(alert.condition, alert.subject): alert for alert in open_alerts()}
    found = {condition.key: condition for condition in seen(now, max_lag=max_lag)}
    for alert in alerts.values():
        if is_held_by_its_alert(alert.condition):
            held = Condition(alert.condition, alert.subject, alert.text)
            found.setdefault(held.key, held)
    return [(condition, alerts.get(key)) for key, condition in found.items()]


def open_alerts() -> list[Alert]:
    return list(Alert.objects.filter(resolved_at=None).order_by("opened_at", "id"))


def seen(now: Health | None = None, *, max_lag: float = MAX_LAG_SECONDS) -> list[Condition]:
    """What shows by itself at this moment. A constant number of queries."""
    at = database_now()
    now = now or health()
    return [
        *_of_workers(now, at, max_lag),
        *_of_pauses(now, max_lag),
        *_of_calls(now, at),
        *_of_budget(),
        *_of_machines(),
        *_undelivered(at),
    ]


def _of_workers(now: Health, at: datetime, max_lag: float) -> list[Condition]:
    found = []
    if not now.workers:
        found.append(Condition(NO_WORKER, "", f"no worker is alive, {now.due.words} waiting"))
    if now.due.oldest_seconds > max_lag:
        text = f"due work has waited {now.due.oldest_seconds:.0f} s"
        found.append(Condition(OLDEST_WAITING, "", text))
    restarts = WorkerRestart.objects.filter(at__gt=at - RESTARTS_SINCE).count()
    if restarts > MOST_RESTARTS:
        minutes = RESTARTS_SINCE // timedelta(minutes=1)
        text = f"workers were started again {restarts} times in {minutes} min"
        found.append(Condition(RESTART_LOOP, "", text))
    return found


def _of_pauses(now: Health, max_lag: float) -> list[Condition]:
    """A person's own key is that person's to mend: their page tells them. That of a key which was
    replaced holds nobody back."""
    found = [
        Condition(
            pause.error_code,
            pause.credential,
            f"calls to {pause.credential} are paused by {pause.error_code}",
            pause.operation_id,
        )
        for pause in paused.of_keys_in_use().exclude(error_code=BY_HAND)
    ]
    if now.paused.oldest_seconds > max_lag:
        text = (
            f"{now.paused.words} waiting behind a pause, the oldest for"
            f" {now.paused.oldest_seconds:.0f} s"
        )
        found.append(Condition(PAUSED_WORK, "", text))
    return found


def _of_calls(now: Health, at: datetime) -> list[Condition]:
    calls = now.calls
    if calls.are_failing:
        text = f"{calls.failed} of the last {calls.count} calls failed, most by {calls.code}"
        return [Condition(CALLS_FAIL, "", text)]
    suspects = {
        category: count
        for category, count in calls.by_category.items()
        if count >= FEWEST_FAILED and category not in UNPREDICTIVE
    }
    if not suspects:
        return []
    past = metrics.calls_between(at - PAST, at - NEWEST_PAST)
    ended = sum(past.values())
    if ended < FEWEST_PAST_CALLS:
        return []
    return [
        Condition(
            ERROR_RATE,
            category,
            f"{count} of the last {calls.count} calls failed by {category}, before that"
            f" {past.get(category, 0)} of {ended}",
        )
        for category, count in sorted(suspects.items())
        if count / calls.count >= max(LEAST_SHARE, RISEN * past.get(category, 0) / ended)
    ]


def _of_budget() -> list[Condition]:
    if not budgets.reached(None, own_key=False):
        return []
    text = f"the month's budget of {settings.BUDGET_USD_PER_MONTH:g} USD is used up"
    return [Condition(BUDGET, "", text)]


def _of_machines() -> list[Condition]:
    """Of the host that looks: each looks at its own."""
    return [Condition(DISK, "", "the disk is nearly full")] if disk.is_nearly_full() else []


def _undelivered(at: datetime) -> list[Condition]:
    """As the newest delivery went; what was tried a day ago says nothing."""
    tried = Alert.objects.filter(tried_at__gt=at - timedelta(days=2)).order_by("-tried_at")
    failed = tried.values_list("failed_to", flat=True).first() or ""
    return [
        Condition(UNDELIVERED, channel, f"alerts cannot be delivered by {channel}")
        for channel in failed.split(", ")
        if channel
    ]


def is_explained(condition: Condition, known: set[tuple[str, str]]) -> bool:
    """It follows from another one of `known` keys, which is told: one cause, one message."""
    names = {name for name, _ in known}
    codes = names & RULES.keys()
    if condition.name == OLDEST_WAITING:
        return NO_WORKER in names
    if condition.name == PAUSED_WORK:
        return any(RULES[code].pauses for code in codes)
    if condition.name == CALLS_FAIL:
        return bool(codes & _codes_in(condition.text))
    if condition.name == ERROR_RATE:
        is_covered = CALLS_FAIL in names and condition.subject in OF_THE_PROVIDER
        return is_covered or any(category_of(code) == condition.subject for code in codes)
    return False


def _codes_in(text: str) -> set[str]:
    return {word for word in text.split() if word in RULES}

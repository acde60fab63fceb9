"""Alerts with a memory: what is wrong is one row from its begin to its end, told at once, again in
1 h, after 4 h more, then daily, and once more when it is over.

Workers note what leaves no other trace as it happens; `watch_alerts` compares the open rows with
`console.conditions`, `tell_alerts` sends. Any number of processes may do either at once: rows are
unique and each message is claimed by a guarded update before it is sent. A process that dies while
it sends leaves the claim, and the message goes out some minutes later, perhaps twice.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.dispatch import receiver

from operations import channels, events
from operations.channels import Delivery
from operations.console import conditions
from operations.console.conditions import Condition
from operations.database.clock import database_now
from operations.errors import RULES, Category, category_of, rule_of
from operations.models import Alert, Attempt, Operation, ProviderPause
from operations.signals import operation_failed, provider_paused, provider_resumed
from operations.workers.alert_messages import alert_message

REPEATED_AFTER = (timedelta(hours=1), timedelta(hours=4), timedelta(days=1))
"""After the first telling, the second, and each further one."""

CLAIMED_FOR = timedelta(minutes=5)
"""Longer than a delivery takes."""

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)
MOST_RETRIES_OF_RESOLVED = 10
TOLD_AT_ONCE = 20

PATIENCE = {
    conditions.NO_WORKER: timedelta(minutes=1),
    conditions.OLDEST_WAITING: timedelta(minutes=1),
    conditions.PAUSED_WORK: timedelta(minutes=1),
}
"""A deployment stops workers for a while; only what lasts is told."""

STEADY = timedelta(minutes=1)
"""Not seen for so long: over. What swings around its bound would be told with every swing."""
REFRESH = timedelta(seconds=15)

PROVEN_AFTER = timedelta(minutes=5)
FORGOTTEN_AFTER = timedelta(hours=24)
QUIET_AFTER_OWN_FAULTS = timedelta(hours=1)
"""A success says nothing about faults of ours: the next operation may meet them again."""
CALLS_LOOKED_AT = 200


@receiver(operation_failed)
def note_failure(operation: Operation, **_: Any) -> None:
    """A failure whose text says that the administrator has been told."""
    rule = rule_of(operation.error_code)
    is_theirs = operation.own_key and rule.category != Category.INTERNAL
    if rule.tells_admin and not is_theirs:
        where = operation.credential or "the installation"
        text = f"calls of {where} fail with {operation.error_code}"
        found = Condition(operation.error_code, operation.credential, text, operation.pk)
        _hold(found, at=operation.finished_at)  # hundreds fail together: none asks for the time


@receiver(provider_paused)
def note_pause(pause: ProviderPause, **_: Any) -> None:
    """A user's own key is that user's to mend: the page tells them."""
    if pause.own_key_owner_id is None:
        text = f"calls to {pause.credential} are paused by {pause.error_code}"
        found = Condition(pause.error_code, pause.credential, text, pause.operation_id)
        _hold(found, at=pause.paused_at)


@receiver(provider_resumed)
def note_resume(pause: ProviderPause, **_: Any) -> None:
    """At once: a pause that follows is a new one, and told at once."""
    now = database_now()
    for alert in Alert.objects.filter(subject=pause.credential, resolved_at=None):
        if alert.condition in RULES and RULES[alert.condition].pauses:
            _resolve(alert, now)


def watch_alerts() -> None:
    """Open a row for what is wrong and has none, and close those of what is over."""
    now = database_now()
    found = {condition.key: condition for condition in conditions.seen()}
    known = set(found) | {(one.condition, one.subject) for one in conditions.open_alerts()}
    for condition in found.values():
        if not conditions.is_explained(condition, known - {condition.key}):
            _hold(condition, at=now)
    paused = {subject for name, subject in found if name in RULES and RULES[name].pauses}
    for alert in conditions.open_alerts():
        if (alert.condition, alert.subject) not in found and _is_over(alert, now, paused):
            _resolve(alert, now)
        elif conditions.is_explained(_condition_of(alert), known):
            _resolve(alert, now, is_told=False)


def _condition_of(alert: Alert) -> Condition:
    return Condition(alert.condition, alert.subject, alert.text)


def _hold(condition: Condition, *, at: datetime | None = None) -> None:
    """Of hundreds of failures a second one writes."""
    now = at or database_now()
    alert, is_new = Alert.objects.get_or_create(
        condition=condition.name,
        subject=condition.subject,
        resolved_at=None,
        defaults={
            "text": condition.text,
            "operation_id": condition.operation_id,
            "opened_at": now,
            "seen_at": now,
            "next_at": now + PATIENCE.get(condition.name, timedelta(0)),
        },
    )
    if not is_new and now - alert.seen_at >= REFRESH:
        Alert.objects.filter(pk=alert.pk).update(seen_at=now, text=condition.text)


def _is_over(alert: Alert, now: datetime, paused: Collection[str]) -> bool:
    """`paused`: credentials. What a probe met may be another refusal than the one that paused."""
    quiet = now - alert.seen_at
    if alert.condition in RULES and RULES[alert.condition].pauses:
        return alert.subject not in paused
    if not conditions.is_held_by_its_alert(alert.condition):
        return quiet >= STEADY
    if alert.condition in RULES and category_of(alert.condition) == Category.INTERNAL:
        return quiet >= QUIET_AFTER_OWN_FAULTS
    if quiet >= FORGOTTEN_AFTER:
        return True
    return quiet >= PROVEN_AFTER and _has_succeeded_since(alert)


def _has_succeeded_since(alert: Alert) -> bool:
    """Of the newest calls, so that a look at a long outage costs no more."""
    ours = Attempt.objects.filter(finished_at__gt=alert.seen_at, operation__own_key=False)
    newest = ours.order_by("-finished_at")
    looked_at = newest.values_list("outcome", "credential")[:CALLS_LOOKED_AT]
    credential = alert.subject if alert.condition in RULES else ""
    return any(
        outcome == Attempt.Outcome.SUCCEEDED and credential in ("", of) for outcome, of in looked_at
    )


def _resolve(alert: Alert, now: datetime, *, is_told: bool = True) -> None:
    Alert.objects.filter(pk=alert.pk, resolved_at=None).update(
        resolved_at=now, next_at=now if is_told else None, failures=0
    )


def tell_alerts() -> int:
    """Send what is due; returns how many messages reached somebody. What fails is tried again."""
    now = database_now()
    due = list(Alert.objects.filter(next_at__lte=now).order_by("next_at", "id")[:TOLD_AT_ONCE])
    return sum(_tell(alert, now) for alert in due if _claim(alert, now))


def _claim(alert: Alert, now: datetime) -> bool:
    mine = Alert.objects.filter(
        pk=alert.pk, next_at=alert.next_at, resolved_at=alert.resolved_at
    ).update(next_at=now + CLAIMED_FOR)
    return bool(mine)


def _tell(alert: Alert, now: datetime) -> bool:
    if alert.resolved_at and not alert.times_told:
        _plan(alert, None)  # nobody has to hear that it is over
        return False
    delivery = channels.deliver(alert_message(alert))
    _log_failures(alert, delivery.failed)
    (_note_told if delivery.told else _note_failed)(alert, delivery, now)
    return bool(delivery.told)


def _note_told(alert: Alert, delivery: Delivery, now: datetime) -> None:
    done = {
        "tried_at": now,
        "failures": 0,
        "failed_to": ", ".join(delivery.failed),
        "told_to": ", ".join(delivery.told),
    }
    if alert.resolved_at:
        Alert.objects.filter(pk=alert.pk).update(resolved_told_at=now, **done)
        _plan(alert, None)
        return
    Alert.objects.filter(pk=alert.pk).update(told_at=now, times_told=F("times_told") + 1, **done)
    _plan(alert, now + REPEATED_AFTER[min(alert.times_told, len(REPEATED_AFTER) - 1)])


def _note_failed(alert: Alert, delivery: Delivery, now: datetime) -> None:
    """Nobody was reached, or there is nobody: tried again, ever more seldom."""
    tried = {"tried_at": now, "failed_to": ", ".join(delivery.failed)} if delivery.failed else {}
    failures = min(alert.failures + 1, 1000)
    Alert.objects.filter(pk=alert.pk).update(failures=failures, **tried)
    if alert.resolved_at and failures >= MOST_RETRIES_OF_RESOLVED:
        _plan(alert, None)
    else:
        _plan(alert, now + min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(alert.failures, 10)))


def _plan(alert: Alert, at: datetime | None) -> None:
    """Unless it was resolved meanwhile, which is planned already."""
    Alert.objects.filter(pk=alert.pk, resolved_at=alert.resolved_at).update(next_at=at)


def _log_failures(alert: Alert, failed: Mapping[str, str]) -> None:
    for channel, error in failed.items():
        events.log(
            events.ALERT_FAILED,
            level=logging.WARNING,
            channel=channel,
            condition=alert.condition,
            error_type=error,
        )

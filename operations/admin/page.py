"""The page of one operation: the story in words, the picture to scale, and which verbs help."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from operations import queries
from operations.admin import drawing, words
from operations.admin.columns import paused_by_hand
from operations.admin.subjects import subject_url
from operations.console import counts
from operations.database.paused import pauses_of
from operations.database.states import state_of
from operations.errors import RULES, Advice, Rule, rule_of
from operations.kinds import MODEL_PARAMETER
from operations.models import Attempt, Operation, OperationEvent

ADVICE = {
    Advice.AUTO: "The automatic tries are used up. Retry when the cause has passed.",
    Advice.LATER: "Retry after the time that the provider named.",
    Advice.USER: "A retry may well succeed: the next answer can be a good one.",
    Advice.FIX_INPUT: "A retry will fail again: the candidate must change the text first.",
    Advice.OPERATOR: "A retry will fail again until the set-up is mended as described.",
}


def page_of(operation: Operation, user: Any) -> dict[str, Any]:
    now = timezone.now()
    attempts = list(operation.attempt_ledger.order_by("number"))
    history = list(operation.events.select_related("actor").order_by("id"))
    is_failed = operation.status == Operation.Status.FAILED
    may_retry = user.has_perm("operations.retry_operation")
    return {
        "operation": operation,
        "pause": _pause(operation, user, now),
        "may_resume": user.has_perm("operations.resume_provider"),
        "message": queries.operation_message(operation),
        "rule": rule_of(operation.error_code) if is_failed else None,
        "advice": ADVICE[rule_of(operation.error_code).advice] if is_failed else "",
        "attempts": [_attempt_row(attempt) for attempt in attempts],
        "strips": drawing.strips(operation, attempts, now),
        "history": [_event_row(event) for event in history],
        "session_url": subject_url("session", operation.session_id, user),
        "list_url": reverse("admin:operations_operation_changelist"),
        "log_filter": f"jq -c 'select(.operation_id == \"{operation.pk}\")'",
        "request_filter": f"jq -c 'select(.request_id == \"{operation.request_id}\")'",
        "tokens": operation.input_tokens + operation.output_tokens,
        "model_override": operation.parameters.get(MODEL_PARAMETER, ""),
        "usual_model": settings.OPENAI_MODEL,
        "age": words.age(operation.created_at, now),
        "may_retry": operation.can_be_retried and may_retry,
        "may_cancel": not operation.is_final and user.has_perm("operations.cancel_operation"),
        "may_acknowledge": is_failed and may_retry,
        "retry_at": words.until(operation.retry_after_at, now)
        if operation.retry_after_at and operation.retry_after_at > now
        else "",
        "of_this_category": _open_failures_like(operation) if is_failed else 0,
        "may_bulk": user.has_perm("operations.bulk_operation") and may_retry,
    }


@dataclass(frozen=True)
class Pause:
    pk: int
    what: str
    """Of an operator's pause."""
    credential: str
    code: str
    since: str
    remedy: str
    by: str
    reason: str
    others: int
    url: str


def _pause(operation: Operation, user: Any, now: datetime) -> Pause | None:
    """What the operation waits behind, while it does."""
    if state_of(operation) != "paused":
        return None
    pause = pauses_of(operation).select_related("paused_by").order_by("-paused_at").first()
    if pause is None:
        return None
    waiting = next((each.waiting for each in counts.paused_now() if each.pause.pk == pause.pk), 0)
    may_look = user.has_perm("operations.view_providerpause")
    return Pause(
        pk=pause.pk,
        what=paused_by_hand(pause),
        credential=pause.credential,
        code=pause.error_code,
        since=words.age(pause.paused_at, now),
        remedy=RULES[pause.error_code].remedy if pause.error_code in RULES else "",
        by=pause.paused_by.get_username() if pause.paused_by else "",
        reason=pause.reason,
        others=max(0, waiting - 1),
        url=reverse("admin:operations_providerpause_change", args=(pause.pk,)) if may_look else "",
    )


def _open_failures_like(operation: Operation) -> int:
    return Operation.objects.filter(
        status=Operation.Status.FAILED,
        acknowledged_at=None,
        error_category=operation.error_category,
    ).count()


@dataclass(frozen=True)
class AttemptRow:
    attempt: Attempt
    rule: Rule | None
    duration: str
    wait: str


def _attempt_row(attempt: Attempt) -> AttemptRow:
    return AttemptRow(
        attempt,
        rule_of(attempt.error_code) if attempt.error_code else None,
        words.NOTHING if attempt.duration_ms is None else words.length(attempt.duration_ms / 1000),
        words.NOTHING if attempt.wait_seconds is None else words.length(attempt.wait_seconds),
    )


@dataclass(frozen=True)
class EventRow:
    at: datetime
    name: str
    change: str
    who: str
    door: str
    worker: str
    detail: str


def _event_row(event: OperationEvent) -> EventRow:
    moved = event.from_status != event.to_status
    return EventRow(
        event.at,
        event.name.removeprefix("operation.").replace("_", " "),
        f"{event.from_status or 'new'} → {event.to_status}" if moved and event.to_status else "",
        event.actor.get_username() if event.actor else "",
        event.door,
        event.worker,
        ", ".join(f"{name} {value}" for name, value in event.detail.items()),
    )

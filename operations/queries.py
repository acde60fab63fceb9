"""Reads that span rows or derive what is not stored: texts, waits, what helps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from operations import pauses
from operations.clock import database_now
from operations.engine.transitions import PENDING, RUNNING
from operations.errors import (
    error_action,
    error_happened,
    error_message,
    error_next_step,
    rule_of,
)
from operations.kinds import UnknownKind, get_kind
from operations.models import Operation, WorkerHeartbeat

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser, AnonymousUser

VIEW_ALL = "operations.view_operation"


@dataclass(frozen=True)
class Waiting:
    """Why an unfinished operation makes no call now. `until` is None where no time is known."""

    reason: str
    message: str
    until: datetime | None


def visible_operations(user: AbstractUser | AnonymousUser) -> QuerySet[Operation]:
    """A person's own operations; with the permission, everybody's."""
    operations = Operation.objects.all()
    if user.has_perm(VIEW_ALL):
        return operations
    return operations.filter(owner_id=user.pk)


def newest_operations(session_id: UUID) -> list[Operation]:
    """The newest operation per kind and subject of a session, in order of creation."""
    newest: dict[tuple[str, str, str], Operation] = {}
    for operation in Operation.objects.filter(session_id=session_id).order_by("created_at", "id"):
        newest[(operation.kind, operation.subject_type, operation.subject_id)] = operation
    return list(newest.values())


def operation_message(operation: Operation) -> str:
    """What happened, for a person, in the active language; empty unless failed."""
    if operation.status != Operation.Status.FAILED:
        return ""
    return error_message(
        operation.error_code,
        lead=_failure_lead(operation),
        own_key=operation.own_key,
        retry_after_at=operation.retry_after_at,
    )


def operation_happened(operation: Operation) -> str:
    """The message's first part alone, for a card that sets the parts apart."""
    if operation.status != Operation.Status.FAILED:
        return ""
    return error_happened(
        operation.error_code, lead=_failure_lead(operation), own_key=operation.own_key
    )


def operation_next_step(operation: Operation) -> str:
    """What happens next without the person; empty unless failed."""
    if operation.status != Operation.Status.FAILED:
        return ""
    return error_next_step(operation.error_code, own_key=operation.own_key)


def operation_action(operation: Operation) -> str:
    """What the person can do about a failed operation; empty unless failed."""
    if operation.status != Operation.Status.FAILED:
        return ""
    return error_action(
        operation.error_code, own_key=operation.own_key, retry_after_at=operation.retry_after_at
    )


def is_retryable(operation: Operation) -> bool:
    """Advice, not a guard: False where the input or the set-up must change first."""
    if not operation.can_be_retried:
        return False
    is_cancelled = operation.status == Operation.Status.CANCELLED
    return is_cancelled or rule_of(operation.error_code).retryable


def attempts_left(operation: Operation) -> int:
    """Automatic calls left in this run; 0 once it has ended."""
    if operation.is_final:
        return 0
    return max(0, 1 + int(settings.OPERATIONS_MAX_RETRIES) - operation.run_attempts)


def waiting(operation: Operation, paused: set[str] | None = None) -> Waiting | None:
    """Why nothing happens right now; None while a call is under way or once it has ended.

    `paused`: the paused credentials, where the caller asks for many operations.
    """
    reason = _waiting_reason(operation, pauses.paused_credentials() if paused is None else paused)
    if reason is None:
        return None
    return Waiting(reason, waiting_message(reason), operation.next_attempt_at)


def _waiting_reason(operation: Operation, paused: set[str]) -> str | None:
    if operation.status == RUNNING:
        backing_off = operation.waiting_reason == Operation.Waiting.BACKOFF
        return Operation.Waiting.BACKOFF.value if backing_off else None
    if operation.status != PENDING:
        return None
    if operation.credential in paused and not operation.is_probe:
        return Operation.Waiting.PROVIDER_PAUSED.value
    return operation.waiting_reason or Operation.Waiting.QUEUED.value


def waiting_message(reason: str) -> str:
    """One sentence a person can act on."""
    return {
        "queued": _("Waiting for its turn."),
        "backoff": _("The AI service did not answer; we are about to ask again."),
        "rate_limited": _("The AI service asked us to wait."),
        "provider_paused": _(
            "The AI service is out of reach for us at the moment. The administrator has been told;"
            " this runs by itself as soon as it is mended."
        ),
        "rescued": _("It was interrupted and is about to start again."),
    }[reason]


def living_workers(now: datetime) -> QuerySet[WorkerHeartbeat]:
    """Drains whose last heartbeat is younger than a lease."""
    return WorkerHeartbeat.objects.filter(expires_at__gt=now)


@dataclass(frozen=True)
class WorkerHealth:
    """Whether work moves. `oldest_due_seconds`: how long the oldest due operation has waited."""

    workers: int
    in_flight: int
    due: int
    oldest_due_seconds: float


def worker_health() -> WorkerHealth:
    now = database_now()
    in_flight = list(living_workers(now).values_list("in_flight", flat=True))
    due = Operation.objects.filter(status=PENDING).exclude(
        credential__in=pauses.paused_credentials()
    )
    due = due.filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=now))
    oldest = due.order_by("queued_at").values_list("queued_at", flat=True).first()
    return WorkerHealth(
        workers=len(in_flight),
        in_flight=sum(in_flight),
        due=due.count(),
        oldest_due_seconds=(now - oldest).total_seconds() if oldest else 0.0,
    )


def _failure_lead(operation: Operation) -> str:
    try:
        return str(get_kind(operation.kind).failure_lead)
    except UnknownKind:  # a kind of an older release
        return ""

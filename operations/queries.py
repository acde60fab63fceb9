"""Reads that span rows or derive what is not stored: texts, waits, what helps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist
from django.db import Error as DatabaseError
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from operations import channels
from operations.database import paused
from operations.database.paused import held_back, is_behind, pauses_of
from operations.database.states import operation_with_state, state_of
from operations.database.trouble import is_trouble
from operations.engine.transitions import PENDING, RUNNING
from operations.errors import (
    Telling,
    error_action,
    error_happened,
    error_message,
    error_next_step,
    rule_of,
)
from operations.kinds import words_of
from operations.models import Alert, Operation, WorkerHeartbeat
from operations.pauses import BY_HAND

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


def visible_operation(
    user: AbstractUser, operation_id: UUID | str, *, permissions: Sequence[str] = (VIEW_ALL,)
) -> Operation:
    """A person's own operation, with its state; somebody else's with any of the permissions, which
    are asked for there alone: two statements. Raises `Operation.DoesNotExist`."""
    operation = operation_with_state(operation_id)
    if operation is None:
        raise Operation.DoesNotExist
    if operation.owner_id != user.pk and not any(map(user.has_perm, permissions)):
        raise Operation.DoesNotExist
    return operation


def operation_message(operation: Operation) -> str:
    """What happened, for a person, in the active language; empty unless failed."""
    if operation.status != Operation.Status.FAILED:
        return ""
    return error_message(
        operation.error_code,
        lead=str(words_of(operation.kind).failure_lead),
        own_key=operation.own_key,
        retry_after_at=operation.retry_after_at,
        telling=telling_of_failure(operation),
    )


def telling_of_failure(operation: Operation) -> Telling:
    """Whether an administrator knows of what failed this operation. One query, and only where the
    text speaks of it; none where it was read with others by `tell_together`."""
    known: Telling | None = getattr(operation, "telling", None)
    if known is not None:
        return known
    return _told([operation])[operation.pk] if _speaks_of_admin(operation) else Telling.TOLD


def tell_together(operations: Iterable[Operation]) -> None:
    """Read for all of these at once what each would ask by itself when its text is written."""
    rows = [each for each in operations if not hasattr(each, "telling")]
    spoken = [each for each in rows if _speaks_of_admin(each)]
    told = _told(spoken) if spoken else {}
    waiting = [each for each in rows if _waits_behind_pause(each)]
    by_hand = _held_by_hand(waiting) if waiting else set()
    # All others of these wait behind the same pauses: the installation's.
    ours = [each for each in waiting if not each.own_key and each.pk not in by_hand]
    of_waiting = _telling_of_wait(ours[0]) if ours else Telling.TOLD
    limited = [each for each in rows if getattr(each, "state", "") == "rate_limited"]
    slowed = _slowed([each for each in limited if each.next_attempt_at is None])
    for each in rows:
        each.slowed_until = slowed.get(each.pk)  # type: ignore[attr-defined]
        each.telling = told.get(each.pk, Telling.TOLD)  # type: ignore[attr-defined]
        each.telling_of_wait = of_waiting  # type: ignore[attr-defined]
        each.is_held_by_hand = each.pk in by_hand  # type: ignore[attr-defined]


def _speaks_of_admin(operation: Operation) -> bool:
    return operation.status == Operation.Status.FAILED and rule_of(operation.error_code).tells_admin


def _waits_behind_pause(operation: Operation) -> bool:
    return operation.status == PENDING and getattr(operation, "state", "") == "paused"


def _told(operations: Sequence[Operation]) -> dict[UUID, Telling]:
    alerts = Alert.objects.filter(
        subject__in={each.credential for each in operations},
        condition__in={each.error_code for each in operations},
    )
    known: dict[tuple[str, str], list[Alert]] = defaultdict(list)
    for alert in alerts:
        known[alert.subject, alert.condition].append(alert)
    return {
        each.pk: _telling(
            (alert.times_told, alert.failures)
            for alert in known[each.credential, each.error_code]
            # Resolved before it failed: that was another time.
            if not (alert.resolved_at and each.finished_at and alert.resolved_at < each.finished_at)
        )
        for each in operations
    }


def _telling_of_wait(operation: Operation) -> Telling:
    """The same of the pause that it waits behind."""
    known: Telling | None = getattr(operation, "telling_of_wait", None)
    if known is not None:
        return known
    subjects = pauses_of(operation).values("credential")
    open_alerts = Alert.objects.filter(subject__in=subjects, resolved_at=None)
    return _telling(open_alerts.values_list("times_told", "failures"))


def _held_by_hand(operations: Collection[Operation]) -> set[UUID]:
    """Which of these wait because an operator says so."""
    by_hand = paused.OPEN.filter(error_code=BY_HAND)
    found = list(by_hand.values_list("credential", "kind", "own_key_owner"))
    return {each.pk for each in operations if any(is_behind(each, *pause) for pause in found)}


def _telling(alerts: Iterable[tuple[int, int]]) -> Telling:
    """Of pairs: how often told, how often in vain."""
    known = list(alerts)
    if any(times_told for times_told, _ in known):
        return Telling.TOLD
    is_under_way = bool(channels.channels()) and any(not failures for _, failures in known)
    return Telling.UNDER_WAY if is_under_way else Telling.NOBODY


def operation_happened(operation: Operation) -> str:
    """The message's first part alone, for a card that sets the parts apart."""
    if operation.status != Operation.Status.FAILED:
        return ""
    return error_happened(
        operation.error_code,
        lead=str(words_of(operation.kind).failure_lead),
        own_key=operation.own_key,
    )


def operation_next_step(operation: Operation) -> str:
    """What happens next without the person; empty unless failed."""
    if operation.status != Operation.Status.FAILED:
        return ""
    return error_next_step(
        operation.error_code, own_key=operation.own_key, telling=telling_of_failure(operation)
    )


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


def waiting(operation: Operation) -> Waiting | None:
    """Why nothing happens right now; None while a call is under way or once it has ended."""
    reason = _waiting_reason(operation)
    if reason is None:
        return None
    message = waiting_message(reason)
    if reason == Operation.Waiting.PROVIDER_PAUSED:
        message = _paused_message(operation)
    return Waiting(reason, message, operation.next_attempt_at or _slowed_until(operation))


def _slowed_until(operation: Operation) -> datetime | None:
    """Of what its key's rate limit holds back."""
    if state_of(operation) != "rate_limited":
        return None
    if hasattr(operation, "slowed_until"):
        known: datetime | None = operation.slowed_until
        return known
    return _slowed([operation])[operation.pk]


def _slowed(operations: Collection[Operation]) -> dict[UUID, datetime | None]:
    """The end of each one's wait. One query, where there are any."""
    rates = paused.waiting_rates(timezone.now()) if operations else ()
    ends = {rate.own_key_owner_id: rate.waits_until for rate in rates}
    return {each.pk: ends.get(each.owner_id if each.own_key else None) for each in operations}


def _paused_message(operation: Operation) -> str:
    by_hand: bool | None = getattr(operation, "is_held_by_hand", None)
    if operation.pk in _held_by_hand([operation]) if by_hand is None else by_hand:
        return _(
            "The administrator has stopped this for a while. It runs by itself as soon as they let"
            " it go on."
        )
    if operation.own_key:
        return _(
            "Your API key does not work. This runs by itself once it does, or another is saved."
        )
    telling = _telling_of_wait(operation)
    return {
        Telling.TOLD: waiting_message(Operation.Waiting.PROVIDER_PAUSED),
        Telling.UNDER_WAY: _(
            "The AI service is out of reach for us at the moment. The administrator is being told;"
            " this runs by itself as soon as it is mended."
        ),
        Telling.NOBODY: _(
            "The AI service is out of reach for us at the moment. Please tell the administrator,"
            " who may not know of it yet. This runs by itself as soon as it is mended."
        ),
    }[telling]


def _waiting_reason(operation: Operation) -> str | None:
    if operation.status == RUNNING:
        backing_off = operation.waiting_reason == Operation.Waiting.BACKOFF
        return Operation.Waiting.BACKOFF.value if backing_off else None
    if operation.status != PENDING:
        return None
    state = state_of(operation)
    if state == "paused":
        return Operation.Waiting.PROVIDER_PAUSED.value
    if state == "rate_limited":
        return Operation.Waiting.RATE_LIMITED.value
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


COUNTED_AHEAD = 100
"""Beyond that the exact number helps nobody, and counting it costs."""


def ahead_of(operation: Operation) -> int:
    """How many others could be claimed before this one, which waits for its turn; at most
    COUNTED_AHEAD."""
    now = timezone.now()
    is_earlier = Q(turn_at__lt=operation.turn_at) | Q(
        turn_at=operation.turn_at, pk__lt=operation.pk
    )
    could_start = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
    waiting_too = Operation.objects.filter(is_earlier, could_start, status=PENDING)
    return waiting_too.exclude(held_back()).order_by()[:COUNTED_AHEAD].count()


def possible_when(operation: Operation) -> str | None:
    """What a retry "when possible" of a failed operation would wait for: "time", the one that the
    provider named; "repair", of the key that is paused; None: nothing, it would run now."""
    if operation.retry_after_at is not None and operation.retry_after_at > timezone.now():
        return "time"
    is_paused = rule_of(operation.error_code).pauses and pauses_of(operation).exists()
    return "repair" if is_paused else None


def living_workers(now: datetime) -> QuerySet[WorkerHeartbeat]:
    """Drains whose last heartbeat is younger than a lease."""
    return WorkerHeartbeat.objects.filter(expires_at__gt=now)


def is_of_deleted_account(error: Exception, person: AbstractUser | AnonymousUser) -> bool:
    """Whether it failed because whom the request was signed in as was deleted since it began. No,
    where the database cannot say it: then the failure stands as it is."""
    is_candidate = isinstance(error, (DatabaseError, ObjectDoesNotExist)) and not is_trouble(error)
    if not is_candidate or not person.is_authenticated:
        return False
    try:
        return not get_user_model().objects.filter(pk=person.pk).exists()
    except DatabaseError:
        return False

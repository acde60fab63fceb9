"""The verbs: what every door (page, admin, API, command) calls. One path each.

Each verb commits its rows and the event in one transaction, or joins the caller's. What it will not
do it refuses by name (`operations.refusals`).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from operations import budgets, dispatch, events, pauses, spending
from operations.database import paused
from operations.database.clock import database_now
from operations.database.deadlocks import retried_after_deadlock
from operations.engine import endings, failpoints, leases, probes, transitions
from operations.engine.ledger import CallEnd
from operations.engine.outcomes import write_endings
from operations.kinds import DEFER_PARAMETER, MODEL_PARAMETER
from operations.masking import mask
from operations.models import Attempt, ContentView, Operation
from operations.own_keys import has_own_key
from operations.refusals import (
    NotAcknowledgeable,
    NotCancellable,
    NothingToProbe,
    NotRescuable,
    NotRetryable,
    OperationInProgress,
    OperationNotFound,
    SubjectDeleted,
)
from operations.services.own_keys import (
    check_own_key as check_own_key,
)
from operations.services.own_keys import (
    delete_own_key as delete_own_key,
)
from operations.services.own_keys import (
    ended_within as ended_within,
)
from operations.services.own_keys import (
    save_own_key as save_own_key,
)
from operations.services.submission import (
    complete_without_call as complete_without_call,
)
from operations.services.submission import (
    refuse_beyond_limit,
    unfinished_twin,
)
from operations.services.submission import (
    submit_operation as submit_operation,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

NOW = "now"
WHEN_POSSIBLE = "possible"

NOTE_LENGTH: int = Operation._meta.get_field("acknowledgement").max_length or 0


@transaction.atomic
def retry_operation(
    *,
    operation_id: UUID,
    actor: AbstractUser | None = None,
    door: str,
    when: str = NOW,
    model: str = "",
    defer: bool = False,
) -> Operation:
    """failed | cancelled → pending, on the same row, with a full budget of calls.

    `when="possible"`: at the time the provider named or when it is resumed; without either, now.
    A retry "now" is a probe: it is sent although its credential is paused. It goes by the key that
    its owner has, or has not, by now. `model`: another one than usual, for this run alone. `defer`:
    wait for a rate limit instead of failing again, as a run does that is begun with many others.
    The limit of a person's unfinished operations holds for what the person retries, not for an
    operator who clears up after an outage. Raises
    `OperationNotFound`, `NotRetryable` (a lost double click too), `SubjectDeleted`,
    `OperationInProgress`, `TooManyOperations`, `BudgetReached`: that one whoever asks.
    """
    operation = _get(operation_id)
    if operation.subject_deleted_at is not None:
        raise SubjectDeleted
    now = database_now()
    later = when == WHEN_POSSIBLE
    not_before = operation.retry_after_at if later else None
    own_key = has_own_key(operation.owner_id)
    try:
        with transaction.atomic():
            done = operation.status in Operation.RETRYABLE and transitions.retry(
                operation,
                at=now,
                not_before=not_before if not_before and not_before > now else None,
                is_probe=not later,
                own_key=own_key,
                actor=actor,
                door=door,
            )
    except IntegrityError:
        raise OperationInProgress(unfinished_twin(operation)) from None
    if not done:
        raise NotRetryable
    budgets.refuse_if_reached(operation.owner_id, own_key=own_key)
    if actor is not None and actor.pk == operation.owner_id:
        # After the swap, because everybody locks the row before its owner; it counts itself.
        refuse_beyond_limit(actor, besides=1)
    _prepare_run(operation, model, defer=defer)
    failpoints.reach("in_retry_after_swap")
    dispatch.wake()
    return operation


def _prepare_run(operation: Operation, model: str, *, defer: bool) -> None:
    """What an operator said about the last run does not hold for the next one."""
    of_run = (MODEL_PARAMETER, DEFER_PARAMETER)
    parameters = {k: v for k, v in operation.parameters.items() if k not in of_run}
    if model:
        parameters[MODEL_PARAMETER] = model
    if defer:
        parameters[DEFER_PARAMETER] = True
    if parameters == operation.parameters and operation.acknowledged_at is None:
        return
    operation.parameters = parameters
    operation.acknowledged_at = operation.acknowledged_by = None
    operation.acknowledgement = ""
    operation.save(
        update_fields=["parameters", "acknowledged_at", "acknowledged_by", "acknowledgement"]
    )


@transaction.atomic
def acknowledge_operation(
    *, operation_id: UUID, actor: AbstractUser | None = None, door: str, note: str = ""
) -> Operation:
    """An operator has seen this failure and needs not be shown it again; its status stays.

    A second call replaces the note; both are in the history. Raises `OperationNotFound`,
    `NotAcknowledgeable`.
    """
    now = database_now()
    note = mask(note)[:NOTE_LENGTH]
    seen = Operation.objects.filter(pk=operation_id, status=Operation.Status.FAILED).update(
        acknowledged_at=now, acknowledged_by=actor, acknowledgement=note, updated_at=now
    )
    operation = _get(operation_id)
    if not seen:
        raise NotAcknowledgeable
    events.record(
        events.ACKNOWLEDGED,
        operation,
        at=now,
        from_status=operation.status,
        to_status=operation.status,
        actor=actor,
        door=door,
    )
    return operation


@transaction.atomic
def rescue_operation(
    *, operation_id: UUID, actor: AbstractUser | None = None, door: str
) -> Operation:
    """Take an operation back from a worker whose lease has ended, without waiting for the sweep.
    Raises `OperationNotFound`, `NotRescuable`."""
    if not leases.rescue(operation_id):
        _get(operation_id)
        raise NotRescuable
    dispatch.wake()
    return _get(operation_id)


@transaction.atomic
def cancel_operation(
    *, operation_id: UUID, actor: AbstractUser | None = None, door: str
) -> Operation:
    """A pending operation is cancelled at once. A running one is asked to stop: its worker aborts
    the call, and a result that is already there wins. Raises `OperationNotFound`, `NotCancellable`.
    """
    operation = _get_locked(operation_id)
    now = database_now()
    if operation.status == Operation.Status.PENDING:
        (cancelled,) = write_endings([endings.cancelled(operation, actor=actor, door=door)], at=now)
        return cancelled or operation  # it is locked: nobody can have moved it
    if operation.is_final:
        raise NotCancellable
    operation = _ask_to_stop(operation_id, at=now)
    events.record(
        events.CANCEL_REQUESTED,
        operation,
        at=now,
        from_status=operation.status,
        to_status=operation.status,
        actor=actor,
        door=door,
    )
    dispatch.wake()
    return operation


def _ask_to_stop(operation_id: UUID, *, at: datetime) -> Operation:
    Operation.objects.filter(pk=operation_id).update(cancel_requested_at=at, updated_at=at)
    return _get(operation_id)


@retried_after_deadlock
@transaction.atomic
def cancel_session_operations(
    *, session_id: UUID, actor: AbstractUser | None = None, door: str
) -> int:
    """Cancel all unfinished operations of a session that is being deleted, in the same
    transaction; the result of a running call is dropped. None of them can be retried from then on.
    Returns how many were cancelled."""
    return _end_with_subject(Operation.objects.filter(session_id=session_id), actor, door)


@transaction.atomic
def cancel_owner_operations(
    *, owner: AbstractUser, actor: AbstractUser | None = None, door: str
) -> int:
    """The same for all operations of a person who is being deleted. What they cost stays in the
    month's sum of all."""
    spending.forget(owner.pk)
    return _end_with_subject(Operation.objects.filter(owner_id=owner.pk), actor, door)


def _end_with_subject(
    operations: QuerySet[Operation], actor: AbstractUser | None, door: str
) -> int:
    now = database_now()
    operations.update(subject_deleted_at=now, updated_at=now)
    unfinished = operations.select_for_update().filter(status__in=Operation.UNFINISHED)
    cancels = [
        endings.cancelled(
            operation,
            call=CallEnd(operation, Attempt.Outcome.CANCELLED),
            actor=actor,
            door=door,
        )
        for operation in unfinished
    ]
    cancelled = sum(ended is not None for ended in write_endings(cancels, at=now))
    if cancelled:
        dispatch.wake()
    return cancelled


@transaction.atomic
def pause_provider(
    *,
    credential: str = "",
    kind: str = "",
    actor: AbstractUser | None = None,
    reason: str = "",
) -> bool:
    """Hold back a credential's operations by hand, or a kind's, or all of them. False where it was
    paused already."""
    return pauses.pause_by_hand(
        credential=credential,
        kind=kind,
        at=database_now(),
        actor=actor,
        reason=mask(reason)[:NOTE_LENGTH],
    )


@transaction.atomic
def resume_provider(
    *, credential: str = "", kind: str = "", actor: AbstractUser | None = None
) -> bool:
    """Let what this pause holds back run again. False where it was not paused."""
    resumed = pauses.close_pause(credential=credential, kind=kind, at=database_now(), actor=actor)
    if resumed:
        dispatch.wake()
    return resumed


@transaction.atomic
def probe_provider(*, credential: str, door: str) -> Operation:
    """Try a refused credential with a tiny call of its own, or with the one that is under way: its
    success resumes all, its failure changes nothing. Raises `NothingToProbe`, also of what an
    operator has paused: no answer of the provider ends that."""
    pause = paused.OPEN.exclude(error_code=pauses.BY_HAND).filter(credential=credential).first()
    if pause is None:
        raise NothingToProbe
    probe, _ = probes.submit_probe(pause, at=database_now(), door=door)
    dispatch.wake()
    return probe


@transaction.atomic
def note_content_viewed(*, actor: AbstractUser, subject_type: str, subject_id: object) -> None:
    """Keep who read what a candidate wrote. Looking is allowed, but not unseen."""
    ContentView.objects.create(
        actor=actor,  # type: ignore[misc]
        subject_type=subject_type,
        subject_id=str(subject_id),
    )
    events.log_after_commit(
        events.CONTENT_VIEWED,
        user_id=actor.pk,
        subject_type=subject_type,
        subject_id=str(subject_id),
    )


def _get(operation_id: UUID) -> Operation:
    try:
        return Operation.objects.get(pk=operation_id)
    except Operation.DoesNotExist:
        raise OperationNotFound from None


def _get_locked(operation_id: UUID) -> Operation:
    """As it is now, and stays until the commit: whoever was moving it is waited for. A claim or a
    sweep between a look and a write would make the answer about a row that is no longer so. On
    SQLite the write transaction is that lock."""
    try:
        return Operation.objects.select_for_update(no_key=True).get(pk=operation_id)
    except Operation.DoesNotExist:
        raise OperationNotFound from None

"""The verbs: what every door (page, admin, API, command) calls. One path each.

Each verb commits its rows and the event in one transaction, or joins the caller's. What it will not
do it refuses by name (`operations.refusals`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction

from operations import dispatch, events, metrics, pauses
from operations.batch_sql import insert_instances
from operations.clock import database_now
from operations.credentials import installation_credential
from operations.deadlocks import retried_after_deadlock
from operations.engine import failpoints, leases, ledger, transitions
from operations.engine.turns import next_turn
from operations.errors import AuthenticationError
from operations.kinds import MODEL_PARAMETER, get_kind
from operations.masking import mask
from operations.models import Attempt, ContentView, Operation
from operations.refusals import (
    NotAcknowledgeable,
    NotCancellable,
    NothingToProbe,
    NotRescuable,
    NotRetryable,
    OperationInProgress,
    OperationNotFound,
    SubjectDeleted,
    TooManyOperations,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

NOW = "now"
WHEN_POSSIBLE = "possible"

NOTE_LENGTH: int = Operation._meta.get_field("acknowledgement").max_length or 0


@transaction.atomic
def submit_operation(
    *,
    kind: str,
    subject_type: str,
    subject_id: object,
    session_id: UUID | None = None,
    owner: AbstractUser | None = None,
    parameters: Mapping[str, Any] | None = None,
    door: str,
) -> Operation:
    """Write a pending operation; call it in the transaction that writes the user's data.

    Raises `UnknownKind`, `TooManyOperations`, and `OperationInProgress` where an unfinished
    operation of this kind exists for the subject.
    """
    get_kind(kind)
    refuse_beyond_limit(owner)
    now = database_now()
    operation = _insert(
        kind=kind,
        subject_type=subject_type,
        subject_id=str(subject_id),
        session_id=session_id,
        owner=owner,
        parameters=dict(parameters or {}),
        credential=_current_credential(),
        queued_at=now,
        turn_at=next_turn(owner_id=owner.pk if owner else None, kind=kind, at=now),
    )
    failpoints.reach("in_submit_before_commit")
    _record_creation(operation, door)
    dispatch.wake()
    transaction.on_commit(partial(failpoints.reach, "after_submit_commit"))
    return operation


@transaction.atomic
def complete_without_call(
    *,
    kind: str,
    subject_type: str,
    subject_id: object,
    session_id: UUID | None = None,
    owner: AbstractUser | None = None,
    parameters: Mapping[str, Any] | None = None,
    door: str,
) -> Operation:
    """Write an operation that needed no call: completed, with no attempts."""
    get_kind(kind)
    now = database_now()
    operation = _insert(
        kind=kind,
        subject_type=subject_type,
        subject_id=str(subject_id),
        session_id=session_id,
        owner=owner,
        parameters=dict(parameters or {}),
        queued_at=now,
        finished_at=now,
        waiting_reason="",
        status=Operation.Status.COMPLETED,
    )
    metrics.count(metrics.of_final(operation, at=now))
    _record_creation(operation, door)
    return operation


@transaction.atomic
def retry_operation(
    *,
    operation_id: UUID,
    actor: AbstractUser | None = None,
    door: str,
    when: str = NOW,
    model: str = "",
) -> Operation:
    """failed | cancelled → pending, on the same row, with a full budget of calls.

    `when="possible"`: at the time the provider named or when it is resumed; without either, now.
    A retry "now" is a probe: it is sent although its credential is paused. `model`: another one
    than usual, for this run alone. The limit of a person's unfinished operations holds for what the
    person retries, not for an operator who clears up after an outage. Raises
    `OperationNotFound`, `NotRetryable` (a lost double click too), `SubjectDeleted`,
    `OperationInProgress`, `TooManyOperations`.
    """
    operation = _get(operation_id)
    if operation.subject_deleted_at is not None:
        raise SubjectDeleted
    now = database_now()
    later = when == WHEN_POSSIBLE
    not_before = operation.retry_after_at if later else None
    try:
        with transaction.atomic():
            done = operation.status in Operation.RETRYABLE and transitions.retry(
                operation,
                at=now,
                not_before=not_before if not_before and not_before > now else None,
                is_probe=not later,
                credential=_current_credential(),
                actor=actor,
                door=door,
            )
    except IntegrityError:
        raise OperationInProgress(_unfinished_twin(operation)) from None
    if not done:
        raise NotRetryable
    if actor is not None and actor.pk == operation.owner_id:
        # After the swap, because everybody locks the row before its owner; it counts itself.
        refuse_beyond_limit(actor, besides=1)
    _prepare_run(operation, model)
    failpoints.reach("in_retry_after_swap")
    dispatch.wake()
    return operation


def _prepare_run(operation: Operation, model: str) -> None:
    """What an operator said about the last run does not hold for the next one."""
    parameters = {k: v for k, v in operation.parameters.items() if k != MODEL_PARAMETER}
    if model:
        parameters[MODEL_PARAMETER] = model
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
    operation = _get(operation_id)
    now = database_now()
    guard = transitions.Guard((Operation.Status.PENDING,), operation.fence)
    if transitions.cancel(operation, at=now, guard=guard, actor=actor, door=door):
        return operation
    asked = Operation.objects.filter(pk=operation_id, status=Operation.Status.RUNNING).update(
        cancel_requested_at=now, updated_at=now
    )
    if not asked:
        raise NotCancellable
    operation = _get(operation_id)
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


@retried_after_deadlock
@transaction.atomic
def cancel_session_operations(
    *, session_id: UUID, actor: AbstractUser | None = None, door: str
) -> int:
    """Cancel all unfinished operations of a session that is being deleted, in the same
    transaction; the result of a running call is dropped. None of them can be retried from then on.
    Returns how many were cancelled."""
    now = database_now()
    Operation.objects.filter(session_id=session_id).update(subject_deleted_at=now, updated_at=now)
    cancelled = 0
    for operation in Operation.objects.select_for_update().filter(
        session_id=session_id, status__in=Operation.UNFINISHED
    ):
        fence = operation.fence
        guard = transitions.Guard(Operation.UNFINISHED, fence)
        if transitions.cancel(operation, at=now, guard=guard, actor=actor, door=door):
            ledger.end_attempt(
                operation,
                fence=fence,
                outcome=Attempt.Outcome.CANCELLED,
                at=now,
                possibly_paid_twice=False,
            )
            cancelled += 1
    if cancelled:
        dispatch.wake()
    return cancelled


@transaction.atomic
def pause_provider(*, credential: str, actor: AbstractUser | None = None) -> bool:
    """Hold back a credential's operations by hand. False where it was paused already."""
    return pauses.pause_by_hand(credential, at=database_now(), actor=actor)


@transaction.atomic
def resume_provider(*, credential: str, actor: AbstractUser | None = None) -> bool:
    """Let a paused credential's operations run again. False where it was not paused."""
    resumed = pauses.close_pause(credential, at=database_now(), actor=actor)
    if resumed:
        dispatch.wake()
    return resumed


@transaction.atomic
def probe_provider(*, credential: str) -> None:
    """Send the oldest operation that waits for a paused credential: its success resumes all, its
    failure changes nothing for the others. Raises `NothingToProbe`."""
    if not pauses.probe(credential, at=database_now()):
        raise NothingToProbe
    dispatch.wake()


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


def refuse_beyond_limit(owner: AbstractUser | None, *, besides: int = 0) -> None:
    """One person's backlog is bounded, so that nobody's wait is. `besides`: how many of the
    unfinished are the caller's own, written in this transaction."""
    if owner is None:
        return
    _lock(owner)
    unfinished = Operation.objects.filter(owner_id=owner.pk, status__in=Operation.UNFINISHED)
    if unfinished.count() - besides >= settings.MAX_UNFINISHED_OPERATIONS_PER_USER:
        raise TooManyOperations


def _lock(owner: AbstractUser) -> None:
    """Until the commit nobody else counts this person's operations: two starts at once would both
    see the last free place. Taken after every other lock, so that no ring of waits can form; on
    SQLite the write transaction is that lock."""
    if connection.features.has_select_for_update:
        people = get_user_model().objects.select_for_update(no_key=True)
        people.filter(pk=owner.pk).values_list("pk").first()


def _get(operation_id: UUID) -> Operation:
    try:
        return Operation.objects.get(pk=operation_id)
    except Operation.DoesNotExist:
        raise OperationNotFound from None


def _insert(**fields: Any) -> Operation:
    operation = Operation(**fields)
    try:
        with transaction.atomic():
            insert_instances([operation])
    except IntegrityError:
        raise OperationInProgress(_unfinished_twin(operation)) from None
    return operation


def _unfinished_twin(operation: Operation) -> UUID | None:
    return (
        Operation.objects.filter(
            kind=operation.kind,
            subject_type=operation.subject_type,
            subject_id=operation.subject_id,
            status__in=Operation.UNFINISHED,
        )
        .values_list("pk", flat=True)
        .first()
    )


def _record_creation(operation: Operation, door: str) -> None:
    at: datetime = operation.queued_at
    events.record(
        events.CREATED,
        operation,
        at=at,
        to_status=operation.status,
        actor=operation.owner,
        door=door,
    )


def _current_credential() -> str:
    """Empty without a key: the claim then fails the operation and says what is missing."""
    try:
        return installation_credential().label
    except AuthenticationError:
        return ""

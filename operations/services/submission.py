"""How an operation comes to be, and how many of them one person may have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.db.models import Count

from operations import budgets, dispatch, events, limits, metrics, trace
from operations.database.batch_sql import insert_instances
from operations.database.clock import database_now
from operations.database.written_once import Place, WrittenOnce
from operations.engine import failpoints
from operations.engine.turns import next_turn
from operations.errors import category_of
from operations.kinds import get_kind
from operations.limits.rules import START, of_person
from operations.models import Operation
from operations.own_keys import has_own_key
from operations.refusals import OperationInProgress, TooManyOperations

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


@transaction.atomic
def submit_operation(
    *,
    kind: str,
    subject_type: str,
    subject_id: object,
    session_id: UUID | None = None,
    owner: AbstractUser | None = None,
    parameters: Mapping[str, Any] | None = None,
    is_probe: bool = False,
    keep_what_it_is_about: bool = False,
    door: str,
) -> Operation:
    """Write a pending operation; call it in the transaction that writes the user's data.

    Made with its owner's own key, where they have one. `is_probe`: sent although the key is paused.
    `keep_what_it_is_about`: where a budget is used up the operation is written all the same, as one
    that failed, so that the data is not refused with it; a retry sends it once there is money.
    Raises `UnknownKind`, `TooManyOperations`, `BudgetReached`, and `OperationInProgress` where an
    unfinished operation of this kind exists for the subject.
    """
    get_kind(kind)
    refuse_beyond_limit(owner)
    own_key = has_own_key(owner.pk if owner else None)
    reached = budgets.reached(owner.pk if owner else None, own_key=own_key)
    if reached and not keep_what_it_is_about:
        raise budgets.REACHED[reached]
    now = database_now()
    about: dict[str, Any] = {
        "kind": kind,
        "subject_type": subject_type,
        "subject_id": str(subject_id),
        "session_id": session_id,
        "owner": owner,
        "parameters": dict(parameters or {}),
    }
    if reached:
        return _insert_ended(
            **about,
            status=Operation.Status.FAILED,
            error_category=category_of(reached),
            error_code=reached,
            at=now,
            door=door,
        )
    operation = _insert(
        **about,
        own_key=own_key,
        is_probe=is_probe,
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
    return _insert_ended(
        kind=kind,
        subject_type=subject_type,
        subject_id=str(subject_id),
        session_id=session_id,
        owner=owner,
        parameters=dict(parameters or {}),
        status=Operation.Status.COMPLETED,
        at=database_now(),
        door=door,
    )


def refuse_beyond_limit(owner: AbstractUser | None, *, besides: int = 0) -> None:
    """One person's backlog is bounded, so that nobody's wait is, and so is how often calls that
    cost money are started. Raises `TooManyOperations`, `TooOften`. `besides`: how many of the
    unfinished are the caller's own, written in this transaction."""
    if owner is None:
        return
    _lock(owner)
    unfinished = sum(_UNFINISHED(owner=owner.pk))
    if unfinished - besides >= settings.MAX_UNFINISHED_OPERATIONS_PER_USER:
        raise TooManyOperations
    limits.reserve(limits.bucket(START, account=of_person(owner)))


_UNFINISHED = WrittenOnce(
    lambda: (
        Operation.objects.filter(
            owner=Place("owner", get_user_model()._meta.pk), status__in=Operation.UNFINISHED
        )
        .order_by()
        .values("owner")
        .annotate(count=Count("pk"))
        .values_list("count", flat=True)
    )
)


def _lock(owner: AbstractUser) -> None:
    """Until the commit nobody else counts this person's operations: two starts at once would both
    see the last free place. Taken after every other lock, so that no ring of waits can form; on
    SQLite the write transaction is that lock."""
    if connection.features.has_select_for_update:
        people = get_user_model().objects.select_for_update(no_key=True)
        people.filter(pk=owner.pk).values_list("pk").first()


def _insert_ended(*, at: datetime, door: str, **fields: Any) -> Operation:
    """With no attempts: nothing is sent for it."""
    operation = _insert(queued_at=at, finished_at=at, waiting_reason="", **fields)
    metrics.count(metrics.of_final(operation, at=at))
    _record_creation(operation, door)
    return operation


def _insert(**fields: Any) -> Operation:
    operation = Operation(request_id=trace.request_id(), **fields)
    try:
        with transaction.atomic():
            insert_instances([operation])
    except IntegrityError:
        raise OperationInProgress(unfinished_twin(operation)) from None
    return operation


def unfinished_twin(operation: Operation) -> UUID | None:
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

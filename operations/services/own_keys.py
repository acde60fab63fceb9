"""What a person does with their own key for the provider: save it, delete it, have it checked."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection, transaction
from django.views.decorators.debug import sensitive_variables

from operations import dispatch, encryption, own_keys, pauses
from operations.database.clock import database_now
from operations.database.deadlocks import retried_after_deadlock
from operations.key_check import KEY_CHECK, SUBJECT
from operations.models import Operation, OwnKey
from operations.queries import living_workers
from operations.refusals import NoOwnKey, OperationInProgress
from operations.services.submission import submit_operation

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

LONGEST_WAIT_SECONDS = 10.0
LOOK_SECONDS = 0.2

_waiting = threading.BoundedSemaphore(2)
"""Threads of this process that may wait for an outcome at once: the others serve pages."""


@sensitive_variables()
@retried_after_deadlock
@transaction.atomic
def save_own_key(*, person: AbstractUser, key: str, base_url: str = "") -> OwnKey:
    """From now on this person's calls are made with it, those that wait already too; the pause of a
    former one ends. A second call replaces the key. Raises `ValidationError` under `key` and
    `base_url`."""
    key = own_keys.checked_key(key)
    now = database_now()
    saved, _ = OwnKey.objects.update_or_create(
        owner_id=person.pk,
        defaults={
            "encrypted": encryption.encrypt(key),
            "hint": own_keys.hint_of(key),
            "base_url": own_keys.checked_base_url(base_url),
            "saved_at": now,
        },
    )
    theirs = Operation.objects.filter(owner_id=person.pk, status=Operation.Status.PENDING)
    theirs.filter(own_key=False).update(own_key=True, updated_at=now)
    pauses.close_pauses_of(person, at=now, actor=person)
    dispatch.wake()
    return saved


@transaction.atomic
def delete_own_key(*, person: AbstractUser, actor: AbstractUser | None = None) -> bool:
    """False where there was none. `actor`: an operator who does it for them. What still waits for
    it fails and says so: it was asked for under another key than the installation's, with which a
    retry would send it."""
    deleted, _ = OwnKey.objects.filter(owner_id=person.pk).delete()
    pauses.close_pauses_of(person, at=database_now(), actor=actor or person)
    dispatch.wake()
    return bool(deleted)


@transaction.atomic
def check_own_key(*, person: AbstractUser, subject_id: object, door: str) -> Operation:
    """One small call with the key, or the one that is under way, although the key is paused: its
    success resumes it. Raises `NoOwnKey`, `TooManyOperations`, `TooOften`."""
    if not own_keys.has_own_key(person.pk):
        raise NoOwnKey
    try:
        with transaction.atomic():
            return submit_operation(
                kind=KEY_CHECK,
                subject_type=SUBJECT,
                subject_id=subject_id,
                owner=person,
                is_probe=True,
                door=door,
            )
    except OperationInProgress as under_way:
        return Operation.objects.get(pk=str(under_way.existing_id))


def ended_within(operation_id: UUID, seconds: float = LONGEST_WAIT_SECONDS) -> Operation:
    """The operation once it has ended, or as it is after so many seconds: at once where no worker
    lives, where nobody can see it before our commit, or where enough threads wait already."""
    end = time.monotonic() + seconds
    operation = Operation.objects.get(pk=operation_id)
    if operation.is_final or connection.in_atomic_block or not _waiting.acquire(blocking=False):
        return operation
    try:
        while not operation.is_final and time.monotonic() < end and _somebody_works():
            time.sleep(LOOK_SECONDS)
            operation.refresh_from_db()
    finally:
        _waiting.release()
    return operation


def _somebody_works() -> bool:
    return living_workers(database_now()).exists()

"""Claims: which pending operations a drain takes, with everything their call needs.

In the drain's database thread: the requests are built from the rows, then, in one transaction,
compare-and-swap and the Attempt of the first call, a few statements for all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from operations import pauses
from operations.clock import database_now
from operations.credentials import Credential, installation_credential
from operations.engine import failing, failpoints, ledger, transitions
from operations.engine.database_thread import passes_by_itself
from operations.engine.due import anything_due, due_operations
from operations.errors import OpenAIServiceError
from operations.kinds import Kind, ProviderRequest, SubjectGone, get_kind, requests_of
from operations.models import Operation

logger = logging.getLogger(__name__)


@dataclass
class Claim:
    """An operation that this drain holds, and what its call needs."""

    operation: Operation
    fence: int
    kind: Kind
    request: ProviderRequest
    credential: Credential
    calls_left: int
    calls_before: int
    was_paused: bool

    @property
    def id(self) -> UUID:
        return self.operation.pk


@dataclass(frozen=True)
class Prepared:
    """What is sent for an operation, and to whom."""

    kind: Kind
    request: ProviderRequest
    credential: Credential


@dataclass(frozen=True)
class Choice:
    """Due operations as they were read, with the requests that could be built, why others could
    not, and those whose subject is gone."""

    at: datetime
    paused: set[str]
    operations: Sequence[Operation]
    prepared: Mapping[UUID, Prepared]
    faults: Mapping[UUID, OpenAIServiceError]
    gone: Collection[UUID]


class UnderLock(Enum):
    """Something is due, but what is taken must be chosen in the claim's transaction."""

    CHOOSE = "choose"


def look(limit: int) -> Choice | UnderLock | None:
    """What is due, read outside a transaction; None: nothing.

    On SQLite a claim holds the only write lock: what can be read before it is. Where rows are
    locked one by one, or more is due than one claim takes, two drains would choose the same.
    """
    if connection.features.has_select_for_update_skip_locked:
        return UnderLock.CHOOSE if anything_due() else None
    choice = _choose(limit)
    if len(choice.operations) == limit:
        return UnderLock.CHOOSE
    return choice if choice.operations else None


def claim_batch(
    seen: Choice | UnderLock = UnderLock.CHOOSE, *, owner: UUID, limit: int
) -> list[Claim]:
    """Take up to `limit` due operations. Those whose request cannot be built end failed, here, and
    those whose subject was deleted end cancelled.
    `seen`: what a `look` of the same limit has just found."""
    if isinstance(seen, Choice):
        # The lock may have been waited for since: a lease begins when its claim does.
        choice, now = seen, database_now()
    else:
        choice = _choose(limit)
        now = choice.at
    if not choice.operations:
        return []
    take = partial(transitions.claim, owner=owner, at=now, lease=transitions.lease_length())
    ready = take([each for each in choice.operations if each.pk in choice.prepared], calls=1)
    broken = take([each for each in choice.operations if each.pk in choice.faults])
    abandoned = take([each for each in choice.operations if each.pk in choice.gone])
    failpoints.reach("in_claim_after_swap")
    for operation in abandoned:
        _cancel_without_subject(operation, at=now)
    for operation in broken:
        failing.fail_operation(
            operation, choice.faults[operation.pk], fence=operation.fence, at=now
        )
    claims = [_claim(each, choice.prepared[each.pk], choice.paused) for each in ready]
    _follow_credential(claims)
    ledger.start_first_attempts(((c.operation, _model_of(c.request)) for c in claims), at=now)
    return claims


def _choose(limit: int) -> Choice:
    now = database_now()
    paused = pauses.paused_credentials()
    operations = due_operations(at=now, paused=paused, limit=limit)
    prepared, faults, gone = _prepare(operations) if operations else ({}, {}, set())
    return Choice(now, paused, operations, prepared, faults, gone)


def _prepare(
    chosen: Sequence[Operation],
) -> tuple[dict[UUID, Prepared], dict[UUID, OpenAIServiceError], set[UUID]]:
    """The requests of all, read together; where that fails, each by itself shows whose fault it
    was: a kind's own bug must end its operation, not the drain."""
    try:
        with _savepoint():
            return _prepare_together(chosen), {}, set()
    except Exception as error:
        if passes_by_itself(error):
            raise
    prepared: dict[UUID, Prepared] = {}
    faults: dict[UUID, OpenAIServiceError] = {}
    gone: set[UUID] = set()
    for operation in chosen:
        try:
            with _savepoint():
                prepared |= _prepare_together([operation])
        except OpenAIServiceError as error:
            faults[operation.pk] = error
        except SubjectGone:
            gone.add(operation.pk)
        except Exception as error:
            if passes_by_itself(error):
                raise
            logger.exception("operation.request_failed")
            faults[operation.pk] = failing.own_fault(error)
    return prepared, faults, gone


def _savepoint() -> AbstractContextManager[object]:
    """Outside a transaction there is nothing to save, and on SQLite one would take the write
    lock."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def _prepare_together(operations: Sequence[Operation]) -> dict[UUID, Prepared]:
    credential = installation_credential()
    by_kind: dict[str, list[Operation]] = {}
    for operation in operations:
        by_kind.setdefault(operation.kind, []).append(operation)
    return {
        operation.pk: Prepared(get_kind(name), request, credential)
        for name, those in by_kind.items()
        for operation, request in requests_of(get_kind(name), those)
    }


def _cancel_without_subject(operation: Operation, *, at: datetime) -> None:
    """A retry met the deletion of its session. That is nobody's fault and no failure to look at."""
    guard = transitions.Guard((Operation.Status.RUNNING,), operation.fence)
    transitions.cancel(operation, at=at, guard=guard, actor=None, door="worker")


def _claim(operation: Operation, prepared: Prepared, paused: set[str]) -> Claim:
    calls_before = operation.run_attempts - 1
    return Claim(
        operation=operation,
        fence=operation.fence,
        kind=prepared.kind,
        request=prepared.request,
        credential=prepared.credential,
        # A rescue goes on with what its run has left, and may always ask once.
        calls_left=max(1, 1 + settings.OPERATIONS_MAX_RETRIES - calls_before),
        calls_before=calls_before,
        was_paused=prepared.credential.label in paused,
    )


def _follow_credential(claims: Iterable[Claim]) -> None:
    """Of operations that were submitted before the installation's key was changed."""
    behind: dict[str, list[UUID]] = {}
    for claim in claims:
        label = claim.credential.label
        if claim.operation.credential != label:
            claim.operation.credential = label
            behind.setdefault(label, []).append(claim.id)
    for label, ids in behind.items():
        Operation.objects.filter(pk__in=ids).update(credential=label)


def _model_of(request: ProviderRequest) -> str:
    return request.model or str(settings.OPENAI_MODEL)

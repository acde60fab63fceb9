"""Claims: which pending operations a drain takes, with everything their call needs.

In the drain's database thread: the requests are built from the rows, then, in one transaction,
compare-and-swap and the Attempt of the first call, a few statements for all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from operations import pauses
from operations.credentials import Credential, installation_credential, installation_label
from operations.database.clock import database_now
from operations.database.paused import Held
from operations.database.trouble import is_trouble
from operations.engine import endings, failing, failpoints, transitions
from operations.engine.due import anything_due, due_operations
from operations.engine.failing import Failure
from operations.engine.governor import Governor
from operations.engine.outcomes import write_endings
from operations.engine.transitions import FirstCall
from operations.errors import OpenAIServiceError
from operations.kinds import Kind, ProviderRequest, SubjectGone, get_kind, requests_of
from operations.models import Operation
from operations.own_keys import credentials_of
from operations.pauses import Ramp

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

    def first_call(self) -> FirstCall:
        return FirstCall(self.credential.label, self.request.model or str(settings.OPENAI_MODEL))


class RequestsRefused(Exception):
    """One of several requests could not be built, and this transaction is of no use any more: to
    be claimed `apart`."""


@dataclass(frozen=True)
class Choice:
    """Due operations as they were read, with the requests that could be built, why others could
    not, and those whose subject is gone."""

    at: datetime
    paused: Collection[str]
    operations: Sequence[Operation]
    prepared: Mapping[UUID, Prepared]
    faults: Mapping[UUID, OpenAIServiceError]
    gone: Collection[UUID]
    ramp: Ramp | None = None
    """The installation's credential was resumed a moment ago: few are taken at first."""


@dataclass(frozen=True)
class UnderLock:
    """Something may be due, but what is taken must be chosen in the claim's transaction."""

    at: datetime | None = None
    """The database's time, where the look has just read it."""


def look(limit: int, governor: Governor | None = None) -> Choice | UnderLock | None:
    """What is due and may be started, read outside a transaction; None: nothing.

    On SQLite a claim holds the only write lock: what can be read before it is. Where rows are
    locked one by one, or more is due than one claim takes, two drains would choose the same.
    """
    if connection.features.has_select_for_update_skip_locked:
        now = anything_due()
        return None if now is None else UnderLock(now)
    choice = _choose(limit, governor, at=database_now())
    if len(choice.operations) == limit or choice.ramp:
        return UnderLock()
    return choice if choice.operations else None


def claim_batch(
    seen: Choice | UnderLock = UnderLock(),
    *,
    owner: UUID,
    limit: int,
    governor: Governor | None = None,
    apart: bool = False,
) -> list[Claim]:
    """Take up to `limit` due operations, of each credential as many as `governor` lets through.
    Those whose request cannot be built end failed, here, and those whose subject was deleted end
    cancelled. `seen`: what a `look` of the same limit has just found. `apart`: each request is read
    in a savepoint of its own; without, one that cannot be built may raise RequestsRefused."""
    if isinstance(seen, Choice):
        # The lock may have been waited for since: a lease begins when its claim does.
        choice, now = seen, database_now()
    else:
        now = seen.at or database_now()
        choice = _choose(limit, governor, at=now, apart=apart, under_lock=True)
    if not choice.operations:
        return []
    calls = {pk: each.first_call() for pk, each in choice.prepared.items()}
    lease = transitions.lease_length()
    taken = transitions.claim(choice.operations, owner=owner, at=now, lease=lease, calls=calls)
    failpoints.reach("in_claim_after_swap")
    if choice.ramp:
        pauses.note_let_through(choice.ramp, sum(not each.own_key for each in taken))
    # A retry met the deletion of its session: nobody's fault, and no failure to look at.
    abandoned = [endings.cancelled(each) for each in taken if each.pk in choice.gone]
    write_endings(abandoned, at=now)
    broken = [Failure(each, choice.faults[each.pk]) for each in taken if each.pk in choice.faults]
    failing.fail_operations(broken, at=now)
    return [
        _claim(each, choice.prepared[each.pk], choice.paused)
        for each in taken
        if each.pk in choice.prepared
    ]


def _choose(
    limit: int,
    governor: Governor | None,
    *,
    at: datetime,
    apart: bool = False,
    under_lock: bool = False,
) -> Choice:
    found = pauses.pauses_at(at)
    label = installation_label()
    # The pause of another process's key stops only that process.
    is_held = label in found.paused
    ramp = None if is_held else found.ramps.get(label)
    if ramp and under_lock:
        room = pauses.ramp_room(ramp, at=at)
        is_held, limit = room == 0, min(limit, room or limit)
    held = Held(
        everything="" in found.kinds,
        kinds=found.kinds,
        installation=is_held,
        owners=frozenset(owner for owner in found.paused.values() if owner is not None),
    )
    if governor is not None:
        limit = governor.worth_reading(limit)
    operations = due_operations(at=at, held=held, limit=limit)
    if governor is not None:
        operations = _within_limits(operations, governor, at=at, held=held, limit=limit)
    prepared, faults, gone = _prepare(operations, apart=apart) if operations else ({}, {}, set())
    return Choice(at, found.paused, operations, prepared, faults, gone, ramp)


def _within_limits(
    due: list[Operation], governor: Governor, *, at: datetime, held: Held, limit: int
) -> list[Operation]:
    """Those whose credential has room for another start. Where too many of one without stand in
    front of the queue, the others are asked for by themselves."""
    admitted = governor.admit(due)
    if len(due) < limit or len(admitted) == limit:
        return admitted
    full = governor.full()
    others = replace(
        held,
        slow_installation=None in full,
        slow_owners=frozenset(owner for owner in full if owner is not None),
    )
    known = {each.pk for each in due}
    more = due_operations(at=at, held=others, limit=limit)
    return admitted + governor.admit([each for each in more if each.pk not in known])


def _prepare(
    chosen: Sequence[Operation], *, apart: bool
) -> tuple[dict[UUID, Prepared], dict[UUID, OpenAIServiceError], set[UUID]]:
    """The requests of all, read together; where that fails, each by itself shows whose fault it
    was: a kind's own bug must end its operation, not the drain."""
    credentials, faults = _credentials(chosen)
    able = [each for each in chosen if each.pk in credentials]
    if not apart:
        try:
            return _prepare_together(able, credentials), faults, set()
        except Exception as error:
            if is_trouble(error):
                raise
            if connection.in_atomic_block:
                raise RequestsRefused from None
    prepared: dict[UUID, Prepared] = {}
    gone: set[UUID] = set()
    for operation in able:
        try:
            with _savepoint():
                prepared |= _prepare_together([operation], credentials)
        except OpenAIServiceError as error:
            faults[operation.pk] = error
        except SubjectGone:
            gone.add(operation.pk)
        except Exception as error:
            if is_trouble(error):
                raise
            logger.exception("operation.request_failed")
            faults[operation.pk] = failing.own_fault(error)
    return prepared, faults, gone


def _credentials(
    operations: Sequence[Operation],
) -> tuple[dict[UUID, Credential], dict[UUID, OpenAIServiceError]]:
    """What each is called with, and why some have nothing to be called with."""
    own_keys = credentials_of(operations)
    installation = _installation()
    found: dict[UUID, Credential] = {}
    faults: dict[UUID, OpenAIServiceError] = {}
    for each in operations:
        credential = own_keys[each.owner_id] if each.own_key else installation
        if isinstance(credential, OpenAIServiceError):
            faults[each.pk] = credential
        else:
            found[each.pk] = credential
    return found, faults


def _installation() -> Credential | OpenAIServiceError:
    try:
        return installation_credential()
    except OpenAIServiceError as error:
        return error


def _savepoint() -> AbstractContextManager[object]:
    """Outside a transaction there is nothing to save, and on SQLite one would take the write
    lock."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def _prepare_together(
    operations: Sequence[Operation], credentials: Mapping[UUID, Credential]
) -> dict[UUID, Prepared]:
    by_kind: dict[str, list[Operation]] = {}
    for operation in operations:
        by_kind.setdefault(operation.kind, []).append(operation)
    return {
        operation.pk: Prepared(get_kind(name), request, credentials[operation.pk])
        for name, those in by_kind.items()
        for operation, request in requests_of(get_kind(name), those)
    }


def _claim(operation: Operation, prepared: Prepared, paused: Collection[str]) -> Claim:
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

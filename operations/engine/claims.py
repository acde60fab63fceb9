"""Claims: which pending operations a drain takes, with everything their call needs.

Runs in one transaction in the drain's database thread: the requests are built from the rows, then
compare-and-swap, then the Attempt of the first call, a few statements for all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from operations import pauses
from operations.clock import database_now
from operations.credentials import Credential, installation_credential
from operations.engine import failing, failpoints, ledger, transitions
from operations.engine.database_thread import passes_by_itself
from operations.errors import OpenAIServiceError
from operations.kinds import Kind, ProviderRequest, all_kinds, get_kind, requests_of
from operations.models import Operation

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=30)
"""A kind waits this long for those it `waits_for`: a paused provider must not hold it up."""


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


def claim_batch(*, owner: UUID, limit: int) -> list[Claim]:
    """Take up to `limit` due operations. Those whose request cannot be built end failed, here."""
    now = database_now()
    paused = pauses.paused_credentials()
    chosen = _due(now, paused, limit)
    if not chosen:
        return []
    prepared, faults = _prepare(chosen)
    take = partial(transitions.claim, owner=owner, at=now, lease=transitions.lease_length())
    ready = take([each for each in chosen if each.pk in prepared], calls=1)
    broken = take([each for each in chosen if each.pk in faults])
    failpoints.reach("in_claim_after_swap")
    for operation in broken:
        failing.fail_operation(operation, faults[operation.pk], fence=operation.fence, at=now)
    claims = [_claim(each, prepared[each.pk], paused) for each in ready]
    _follow_credential(claims)
    ledger.start_first_attempts(((c.operation, _model_of(c.request)) for c in claims), at=now)
    return claims


def may_claim() -> bool:
    """Whether anything is due, paused or not. One statement outside a transaction: a look that
    finds nothing, the usual one, takes no lock and costs a fraction of a claim."""
    return Operation.objects.filter(_is_due(Now())).exists()


def _is_due(now: datetime | Now) -> Q:
    return Q(status=Operation.Status.PENDING) & (
        Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
    )


def _due(now: datetime, paused: set[str], limit: int) -> list[Operation]:
    rows: QuerySet[Operation] = Operation.objects.filter(_is_due(now))
    if paused:
        rows = rows.filter(~Q(credential__in=paused) | Q(is_probe=True))
    for kind in all_kinds():
        if kind.waits_for:
            rows = rows.exclude(_waits_for_others(kind, now))
    rows = rows.order_by("turn_at", "id")
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True, of=("self",))
    return list(rows[:limit])


def _waits_for_others(kind: Kind, now: datetime) -> Q:
    others = Operation.objects.filter(
        session_id=OuterRef("session_id"),
        kind__in=kind.waits_for,
        status__in=Operation.UNFINISHED,
    )
    return Q(kind=kind.name, queued_at__gt=now - PATIENCE) & Q(Exists(others))


def _prepare(
    chosen: Sequence[Operation],
) -> tuple[dict[UUID, Prepared], dict[UUID, OpenAIServiceError]]:
    """The requests of all, read together; where that fails, each by itself shows whose fault it
    was: a kind's own bug must end its operation, not the drain."""
    try:
        with transaction.atomic():
            return _prepare_together(chosen), {}
    except Exception as error:
        if passes_by_itself(error):
            raise
    prepared: dict[UUID, Prepared] = {}
    faults: dict[UUID, OpenAIServiceError] = {}
    for operation in chosen:
        try:
            with transaction.atomic():
                prepared |= _prepare_together([operation])
        except OpenAIServiceError as error:
            faults[operation.pk] = error
        except Exception as error:
            if passes_by_itself(error):
                raise
            logger.exception("operation.request_failed")
            faults[operation.pk] = failing.own_fault(error)
    return prepared, faults


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

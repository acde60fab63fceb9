"""Claims: which pending operations a drain takes, with everything their call needs.

Runs in one transaction in the drain's database thread: the requests are built from the rows, then
compare-and-swap, then the Attempt of the first call, a few statements for all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction

from operations import pauses
from operations.clock import database_now
from operations.credentials import Credential, installation_credential
from operations.engine import failing, failpoints, ledger, transitions
from operations.engine.database_thread import passes_by_itself
from operations.engine.due import due_operations
from operations.errors import OpenAIServiceError
from operations.kinds import Kind, ProviderRequest, get_kind, requests_of
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


def claim_batch(*, owner: UUID, limit: int) -> list[Claim]:
    """Take up to `limit` due operations. Those whose request cannot be built end failed, here."""
    now = database_now()
    paused = pauses.paused_credentials()
    chosen = due_operations(at=now, paused=paused, limit=limit)
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

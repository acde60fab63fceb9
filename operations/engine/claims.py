"""Claims: which pending operations a drain takes, with everything their call needs.

Runs in one transaction in the drain's database thread: compare-and-swap, building the request from
the rows, and the Attempt of the first call.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from operations import pauses
from operations.clock import database_now
from operations.credentials import Credential, installation_credential
from operations.engine import failing, failpoints, ledger, transitions
from operations.engine.database_thread import passes_by_itself
from operations.errors import OpenAIServiceError
from operations.kinds import Kind, ProviderRequest, all_kinds, get_kind, request_of
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


def claim_batch(*, owner: UUID, limit: int) -> list[Claim]:
    """Take up to `limit` due operations. Those whose request cannot be built end failed, here."""
    now = database_now()
    paused = pauses.paused_credentials()
    chosen = _due(now, paused, limit)
    if not chosen:
        return []
    claimed = transitions.claim(chosen, owner=owner, at=now, lease=transitions.lease_length())
    failpoints.reach("in_claim_after_swap")
    return list(_prepared(claimed, paused, now))


def _due(now: datetime, paused: set[str], limit: int) -> list[Operation]:
    rows: QuerySet[Operation] = Operation.objects.filter(status=Operation.Status.PENDING).filter(
        Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
    )
    if paused:
        rows = rows.filter(~Q(credential__in=paused) | Q(is_probe=True))
    for kind in all_kinds():
        if kind.waits_for:
            rows = rows.exclude(_waits_for_others(kind, now))
    rows = rows.order_by("queued_at", "id")
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


def _prepared(claimed: list[Operation], paused: set[str], now: datetime) -> Iterator[Claim]:
    for operation in claimed:
        try:
            with transaction.atomic():
                claim = _prepare(operation, paused)
                ledger.start_attempt(
                    operation, fence=operation.fence, at=now, model=_model_of(claim.request)
                )
        except OpenAIServiceError as error:
            failing.fail_operation(operation, error, fence=operation.fence, at=now)
        except Exception as error:  # a kind's own bug must end this operation, not the drain
            if passes_by_itself(error):
                raise
            logger.exception("operation.request_failed")
            failing.fail_operation(
                operation, failing.own_fault(error), fence=operation.fence, at=now
            )
        else:
            yield claim


def _prepare(operation: Operation, paused: set[str]) -> Claim:
    kind = get_kind(operation.kind)
    credential = installation_credential()
    if operation.credential != credential.label:
        operation.credential = credential.label
        Operation.objects.filter(pk=operation.pk).update(credential=credential.label)
    calls_before = operation.run_attempts
    return Claim(
        operation=operation,
        fence=operation.fence,
        kind=kind,
        request=request_of(kind, operation),
        credential=credential,
        # A rescue goes on with what its run has left, and may always ask once.
        calls_left=max(1, 1 + settings.OPERATIONS_MAX_RETRIES - calls_before),
        calls_before=calls_before,
        was_paused=credential.label in paused,
    )


def _model_of(request: ProviderRequest) -> str:
    return request.model or str(settings.OPENAI_MODEL)

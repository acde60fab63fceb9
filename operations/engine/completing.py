"""How operations complete: the swap of their status first, then everything else, all or nothing.

Results that wait at the same moment are written together, in a handful of statements for all of
them. Where that does not work (one has lost its lease, a kind's rows are refused), the database
thread runs each by itself, so that each operation's outcome is its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import models, transaction

from operations import metrics, pauses
from operations.batch_sql import insert_instances
from operations.clock import database_now
from operations.engine import failpoints, ledger, transitions
from operations.engine.claims import Claim
from operations.kinds import ProviderReply
from operations.models import Operation
from operations.signals import operation_completed


class NotTogether(Exception):
    """Not all of a group could be completed; nothing of it may be kept."""


@dataclass(frozen=True)
class Outcome:
    """A reply, what its kind made of it, and the run that it belongs to."""

    claim: Claim
    reply: ProviderReply
    result: Any
    duration_ms: int


def complete_together(outcomes: Sequence[Outcome]) -> list[Operation | None]:
    """Complete these operations in the caller's transaction. The rows as they are then; None for
    one that another worker or a person has moved.

    Raises `NotTogether` where only some of several could be completed: the caller rolls back.
    """
    now = database_now()
    # A group that is rolled back and tried again must not find what its first try left in memory.
    operations = [copy(outcome.claim.operation) for outcome in outcomes]
    swapped = transitions.complete_all(
        [
            transitions.Completion(
                operation, outcome.claim.fence, outcome.reply.usage, outcome.reply.simulated
            )
            for operation, outcome in zip(operations, outcomes, strict=True)
        ],
        at=now,
    )
    if swapped < len(outcomes):
        if len(outcomes) > 1:
            raise NotTogether
        return [None]
    failpoints.reach("inside_complete_after_swap")
    _write_results(zip(operations, outcomes, strict=True))
    failpoints.reach("inside_complete_after_apply")
    _end_calls(operations, outcomes, at=now)
    for operation, outcome in zip(operations, outcomes, strict=True):
        if outcome.claim.was_paused:
            pauses.close_pause(operation.credential, at=now)
        transaction.on_commit(
            partial(operation_completed.send_robust, Operation, operation=operation)
        )
    return list(operations)


def _write_results(done: Iterable[tuple[Operation, Outcome]]) -> None:
    rows: dict[type[models.Model], list[models.Model]] = defaultdict(list)
    for operation, outcome in done:
        for row in outcome.claim.kind.apply(operation, outcome.result, outcome.reply):
            rows[type(row)].append(row)
    for instances in rows.values():
        insert_instances(instances)


def _end_calls(
    operations: Sequence[Operation], outcomes: Sequence[Outcome], *, at: datetime
) -> None:
    calls = [
        ledger.Success(
            operation,
            outcome.claim.fence,
            outcome.reply.usage,
            outcome.reply.provider_request_id,
            outcome.reply.http_status,
            outcome.duration_ms,
        )
        for operation, outcome in zip(operations, outcomes, strict=True)
    ]
    ended = ledger.end_successes(calls, at=at)
    if ended < len(calls) and len(calls) > 1:
        raise NotTogether
    observed = [each for operation in operations for each in metrics.of_final(operation, at=at)]
    metrics.count([*observed, *ledger.success_observations(calls[:ended])])

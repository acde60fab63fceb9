"""How operations complete: with everything else that an ending writes, the rows of their kinds.

Results that wait at the same moment are written together. Where a kind's rows are refused, the
database thread runs each by itself, so that each operation's outcome is its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import models

from operations import pauses
from operations.database.batch_sql import insert_instances
from operations.database.clock import noted_now
from operations.engine import endings, failpoints
from operations.engine.claims import Claim
from operations.engine.endings import Ending
from operations.engine.ledger import CallEnd, Key, key_of
from operations.engine.outcomes import write_endings
from operations.kinds import ProviderReply
from operations.models import Attempt, Operation


@dataclass(frozen=True)
class Outcome:
    """A reply, what its kind made of it, and the run that it belongs to."""

    claim: Claim
    reply: ProviderReply
    result: Any
    duration_ms: int

    def ending(self) -> Ending:
        reply = self.reply
        call = CallEnd(
            self.claim.operation,
            Attempt.Outcome.SUCCEEDED,
            usage=reply.usage,
            provider_request_id=reply.provider_request_id,
            http_status=reply.http_status,
            duration_ms=self.duration_ms,
        )
        return endings.completed(call, usage=reply.usage, simulated=reply.simulated)


def complete_together(done: Sequence[Outcome]) -> list[Operation | None]:
    """Complete these operations in the caller's transaction. The rows as they are then; None for
    one that another worker or a person has moved."""
    now = noted_now()
    by_run = {key_of(each.claim.operation): each for each in done}
    completed = write_endings(
        [each.ending() for each in done], at=now, after_swap=partial(_write_results, by_run)
    )
    for each, operation in zip(done, completed, strict=True):
        if operation is not None and each.claim.was_paused:
            pauses.close_after_success(operation.credential, at=now)
    return completed


def _write_results(by_run: Mapping[Key, Outcome], operations: Sequence[Operation]) -> None:
    failpoints.reach("inside_complete_after_swap")
    rows: dict[type[models.Model], list[models.Model]] = defaultdict(list)
    for operation in operations:
        done = by_run[key_of(operation)]
        for row in done.claim.kind.apply(operation, done.result, done.reply):
            rows[type(row)].append(row)
    for instances in rows.values():
        insert_instances(instances)
    failpoints.reach("inside_complete_after_apply")

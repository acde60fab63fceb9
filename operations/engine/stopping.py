"""How runs that are stopped from outside end: released for others, or cancelled where a person
asked for it. Those that are stopped at the same moment are written together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from operations.database.clock import noted_now
from operations.engine import endings, failpoints
from operations.engine.ledger import CallEnd
from operations.engine.outcomes import write_endings
from operations.models import Attempt, Operation


@dataclass(frozen=True)
class Stop:
    """An operation whose call, if one is open, was given up after this time."""

    operation: Operation
    duration_ms: int

    def call(self, outcome: str) -> CallEnd:
        return CallEnd(
            self.operation, outcome, duration_ms=self.duration_ms, possibly_paid_twice=True
        )


def release_together(stops: Sequence[Stop]) -> list[Operation | None]:
    """Give these back, or cancel what somebody wants stopped. Their rows as they are then; None for
    one that another worker or a person has moved."""
    released = write_endings(
        [endings.released(s.operation, call=s.call(Attempt.Outcome.RELEASED)) for s in stops],
        at=noted_now(),
        after_swap=lambda _: failpoints.reach("in_release_after_swap"),
    )
    others = [stop for stop, done in zip(stops, released, strict=True) if done is None]
    cancelled = iter(cancel_together(others) if others else ())
    return [done or next(cancelled) for done in released]


def cancel_together(stops: Sequence[Stop]) -> list[Operation | None]:
    """The same for those that somebody wants stopped."""
    return write_endings(
        [endings.cancelled(s.operation, call=s.call(Attempt.Outcome.CANCELLED)) for s in stops],
        at=noted_now(),
        after_swap=lambda _: failpoints.reach("in_cancel_after_swap"),
    )

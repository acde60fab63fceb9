"""Whose turn it is: one person's thousand operations must not make everybody else wait for them.

Fair queueing by a virtual clock (L. Zhang, "VirtualClock", SIGCOMM 1990): an operation's turn comes
when it is submitted, but for each that its owner has waiting of the same kind SHARE later. Claims
go by turn, so a newcomer passes a backlog, two backlogs alternate, and nobody waits for ever: a
turn in the future comes. It orders the queue and delays nothing; a claim still reads one index.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from operations.models import Operation

SHARE = timedelta(seconds=5)
"""What an owner gets at least while others wait: one operation of each kind in this time."""


def next_turn(*, owner_id: int | None, kind: str, at: datetime) -> datetime:
    """The turn of an operation that is queued now. Two submissions at the same moment may get the
    same one."""
    last = (
        Operation.objects.filter(status=Operation.Status.PENDING, owner_id=owner_id, kind=kind)
        .order_by("-turn_at")
        .values_list("turn_at", flat=True)
        .first()
    )
    return max(at, last + SHARE) if last else at

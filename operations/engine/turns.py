"""Whose turn it is: one person's thousand operations must not make everybody else wait for them.

Fair queueing by a virtual clock (L. Zhang, "VirtualClock", SIGCOMM 1990): an operation's turn comes
when it is submitted, but for each that its owner has waiting of the same kind SHARE later. Claims
go by turn, so a newcomer passes a backlog, two backlogs alternate, and nobody waits for ever: a
turn in the future comes. It orders the queue and delays nothing; a claim still reads one index.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import connection

from operations.models import Operation

LAST_TURN = (
    "SELECT turn_at FROM {table} WHERE status = 'pending' AND kind = %s AND {whose}"
    " ORDER BY turn_at DESC LIMIT 1"
)

SHARE = timedelta(seconds=5)
"""What an owner gets at least while others wait: one operation of each kind in this time."""


def next_turn(*, owner_id: int | None, kind: str, at: datetime) -> datetime:
    """The turn of an operation that is queued now. Two submissions at the same moment may get the
    same one."""
    whose = "owner_id IS NULL" if owner_id is None else "owner_id = %s"
    with connection.cursor() as cursor:
        cursor.execute(
            LAST_TURN.format(
                table=connection.ops.quote_name(Operation._meta.db_table), whose=whose
            ),
            [kind] if owner_id is None else [kind, owner_id],
        )
        row = cursor.fetchone()
    if row is None:
        return at
    last: datetime = row[0]
    # SQLite keeps UTC without saying so.
    return max(at, (last if last.tzinfo else last.replace(tzinfo=UTC)) + SHARE)

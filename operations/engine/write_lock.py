"""How a drain begins a transaction: on SQLite by asking for the one write lock a little sooner.

A connection that finds it taken sleeps 1, 2, 5, 10 … 100 ms before it asks again, although most
others hold it for one or two. At first a drain asks again after 1 and 2 ms; then it waits like
everybody else, so that a long line is no race.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db import OperationalError, connection, transaction

EAGER_TRIES = 12
EAGER_MILLISECONDS = 3
"""Of one try: the first two of SQLite's own pauses."""


@contextlib.contextmanager
def begun_transaction() -> Iterator[None]:
    """`transaction.atomic(durable=True)`. Raises what its BEGIN does, after the usual wait."""
    with contextlib.ExitStack() as stack:
        if connection.vendor != "sqlite" or not _begins_soon(stack):
            stack.enter_context(transaction.atomic(durable=True))
        yield


def _begins_soon(stack: contextlib.ExitStack) -> bool:
    for _ in range(EAGER_TRIES):
        with contextlib.suppress(OperationalError), _patience(EAGER_MILLISECONDS):
            stack.enter_context(transaction.atomic(durable=True))
            return True
    return False


@contextlib.contextmanager
def _patience(milliseconds: int) -> Iterator[None]:
    # By Django's cursor: what is raised must be its OperationalError, which the drain waits out.
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        (usual,) = cursor.fetchone()
        cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")

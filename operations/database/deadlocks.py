"""PostgreSQL ends a ring of transactions that wait for one another by refusing one of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import OperationalError

P = ParamSpec("P")
T = TypeVar("T")

DEADLOCK_DETECTED = "40P01"
TRIES = 3


def retried_after_deadlock(verb: Callable[P, T]) -> Callable[P, T]:
    """For a verb that locks several rows which a drain's group locks in an order of its own. It
    must be one `transaction.atomic`: in a caller's transaction it is a savepoint, and going back to
    it lets go of the locks that were in the way."""

    @functools.wraps(verb)
    def retried(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(TRIES - 1):
            try:
                return verb(*args, **kwargs)
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", None) != DEADLOCK_DETECTED:
                    raise
        return verb(*args, **kwargs)

    return retried

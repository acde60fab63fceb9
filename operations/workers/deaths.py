"""Deaths of a cluster's processes: with which signal, and what each held.

Two see a process die. The supervisor finds its heartbeat without a process and knows what it held;
django-q2's sentinel, its parent, gets the exit code and writes it into a pipe (`operations.exits`).
Who comes first does not matter: a death is told once both are known, or when one has been waited
for long enough.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

PATIENCE_SECONDS = 3.0
"""django-q2 looks after its children every half second."""


@dataclass
class Death:
    """What is known of one. `held`: operation ids; None: nobody has looked yet."""

    pid: int
    seen_at: float
    exit_code: int | None = None
    held: list[str] | None = None


class Deaths:
    """Puts the two halves together."""

    def __init__(self, known: Collection[int] = ()) -> None:
        """`known`: processes whose end is told already, with that of their cluster."""
        self._known = frozenset(known)
        self._open: dict[int, Death] = {}

    def exited(self, pid: int, exit_code: int, *, now: float) -> None:
        if pid not in self._known:
            self._of(pid, now).exit_code = exit_code

    def held(self, pid: int, operations: list[str], *, now: float) -> None:
        if pid not in self._known:
            self._of(pid, now).held = operations

    def settled(self, *, now: float) -> list[Death]:
        """Those that can be told, once. A process that ended by itself and held nothing went as it
        should: django-q2 replaces its workers now and then."""
        done = [death for death in self._open.values() if _is_settled(death, now)]
        for death in done:
            del self._open[death.pid]
        return [death for death in done if death.exit_code != 0 or death.held]

    def _of(self, pid: int, now: float) -> Death:
        return self._open.setdefault(pid, Death(pid, now))


def _is_settled(death: Death, now: float) -> bool:
    known = death.exit_code is not None and death.held is not None
    return known or now - death.seen_at >= PATIENCE_SECONDS

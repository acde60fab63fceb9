"""Sends the signals of a plan, and undoes in time what is not final."""

from __future__ import annotations

import heapq
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chaos.backends import Backend
from chaos.plan import Action, Role, Strike
from chaos.processes import Census, Service, send

STEP_SECONDS = 0.02
RESTART_SECONDS = 0.5
"""What systemd waits before it starts a service again (`RestartSec`)."""

NUMBERS = {Action.KILL: signal.SIGKILL, Action.STOP: signal.SIGSTOP}


def tell(what: str) -> None:
    """A line of the campaign's own log, to be laid beside the worker's."""
    print(f"{datetime.now(UTC):%H:%M:%S.%f} {what}", file=sys.stderr, flush=True)


@dataclass
class Storm:
    """`run` a plan; `calm` afterwards. Dead services are started again all the while."""

    census: Census
    backend: Backend
    signals: Counter[str] = field(default_factory=Counter)
    _undo: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _ended_at: dict[str, float] = field(default_factory=dict)
    _down: set[Role] = field(default_factory=set)

    def run(self, strikes: list[Strike], seconds: float) -> None:
        started = time.monotonic()
        waiting = list(reversed(strikes))
        while (passed := time.monotonic() - started) < seconds:
            while waiting and waiting[-1].at <= passed:
                self.strike(waiting.pop())
            self.keep_up()
            time.sleep(STEP_SECONDS)

    def strike(self, strike: Strike) -> None:
        if strike.role in (Role.DATABASE, Role.BROKER):
            self._strike_infrastructure(strike)
            return
        candidates = self.census.of(strike.role)
        if not candidates:
            return
        pid = candidates[int(strike.choice * len(candidates))]
        if not send(pid, NUMBERS[strike.action]):
            return
        self.signals[f"{strike.action} {strike.role}"] += 1
        tell(f"{strike.action} {strike.role} {pid} {strike.hold_seconds:.1f}")
        if strike.action is Action.STOP:
            self._later(strike.hold_seconds, lambda: self.resume(pid))

    def resume(self, pid: int) -> None:
        if pid in self.census.mine():
            send(pid, signal.SIGCONT)
            tell(f"resume {pid}")

    def keep_up(self) -> None:
        """Undo what is due, start again what has ended."""
        now = time.monotonic()
        while self._undo and self._undo[0][0] <= now:
            heapq.heappop(self._undo)[2]()
        for service in (self.census.worker, self.census.web):
            self._restart_when_due(service, now)

    def calm(self) -> None:
        """Undo everything at once: from here on nothing is done to anybody."""
        while self._undo:
            heapq.heappop(self._undo)[2]()
        for pid in self.census.mine():
            send(pid, signal.SIGCONT)

    def _restart_when_due(self, service: Service, now: float) -> None:
        if service.is_running:
            return
        ended_at = self._ended_at.setdefault(service.name, now)
        if now - ended_at >= RESTART_SECONDS:
            service.restart()
            del self._ended_at[service.name]

    def _strike_infrastructure(self, strike: Strike) -> None:
        if strike.role in self._down:
            return
        self.backend.strike(strike.role)
        self._down.add(strike.role)
        self.signals[f"{strike.action} {strike.role}"] += 1
        tell(f"{strike.action} {strike.role} {strike.hold_seconds:.1f}")
        self._later(strike.hold_seconds, lambda: self._mend(strike.role))

    def _mend(self, role: Role) -> None:
        self.backend.mend(role)
        tell(f"mended {role}")
        self._down.discard(role)

    def _later(self, seconds: float, undo: Callable[[], None]) -> None:
        heapq.heappush(self._undo, (time.monotonic() + seconds, len(self._undo), undo))

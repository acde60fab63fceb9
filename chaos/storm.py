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
from chaos.plan import Action, Fault, Role, Strike
from chaos.processes import Census, Service, send
from chaos.servers import NotNow

STEP_SECONDS = 0.02
MEND_AGAIN_SECONDS = 0.2
STRIKE_AGAIN_SECONDS = 1.0
RESTART_SECONDS = 0.5
"""What systemd waits before it starts a service again (`RestartSec`)."""

INFRASTRUCTURE = (Role.DATABASE, Role.BROKER, Role.POOLER)
NUMBERS = {Action.KILL: signal.SIGKILL, Action.STOP: signal.SIGSTOP}


def tell(what: str) -> None:
    """A line of the campaign's own log, to be laid beside the worker's."""
    print(f"{datetime.now(UTC):%H:%M:%S.%f} {what}", file=sys.stderr, flush=True)


@dataclass
class Storm:
    """`run` a plan; `calm` afterwards. Dead services are started again all the while."""

    census: Census
    backend: Backend
    asked: Callable[[], int]
    """How often somebody began to ask the product for something, or ended, so far."""
    signals: Counter[str] = field(default_factory=Counter)
    _undo: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _ended_at: dict[str, float] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    """Those that a look at the server confirmed, and during which somebody asked the product."""
    _down: Fault | None = None
    _is_over: bool = False

    def run(self, strikes: list[Strike], seconds: float) -> None:
        started = time.monotonic()
        waiting = list(reversed(strikes))
        while (passed := time.monotonic() - started) < seconds:
            while waiting and waiting[-1].at <= passed:
                self.strike(waiting.pop())
            self.keep_up()
            time.sleep(STEP_SECONDS)

    def strike(self, strike: Strike) -> None:
        if strike.role in INFRASTRUCTURE:
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
        """Undo everything at once: from here on nothing is done to what surrounds the product."""
        self._is_over = True
        for pid in self.census.mine():
            send(pid, signal.SIGCONT)
        while self._undo:
            heapq.heappop(self._undo)[2]()

    def _restart_when_due(self, service: Service, now: float) -> None:
        if service.is_running:
            return
        ended_at = self._ended_at.setdefault(service.name, now)
        if now - ended_at >= RESTART_SECONDS:
            service.restart()
            del self._ended_at[service.name]

    def _strike_infrastructure(self, strike: Strike) -> None:
        fault = Fault(strike.role, strike.action)
        if self._is_over:
            return
        try:
            if self._down is not None:
                raise NotNow
            self.backend.strike(fault)
        except NotNow:
            tell(f"not now: {fault}")
            self._later(STRIKE_AGAIN_SECONDS, lambda: self._strike_infrastructure(strike))
            return
        self._down = fault
        self.signals[str(fault)] += 1
        tell(f"{fault} {strike.hold_seconds:.1f}")
        asked = self.asked() if self.backend.bites(fault) else None
        self._later(strike.hold_seconds, lambda: self._mend(fault, asked))

    def _mend(self, fault: Fault, asked_before: int | None) -> None:
        """A fault that did not bite, or that nobody met, has shown nothing."""
        try:
            self.backend.mend(fault)
        except NotNow:
            self._later(MEND_AGAIN_SECONDS, lambda: self._mend(fault, asked_before))
            return
        if asked_before is not None and self.asked() > asked_before:
            self.faults[str(fault)] += 1
        tell(f"mended: {fault}")
        self._down = None

    def _later(self, seconds: float, undo: Callable[[], None]) -> None:
        heapq.heappush(self._undo, (time.monotonic() + seconds, len(self._undo), undo))

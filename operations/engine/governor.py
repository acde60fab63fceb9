"""How many calls may be started now: each credential's own limit, learned from its answers.

A provider tells of its limits in headers (`RateLimit`), or by 429s alone. Until anything is known
of a credential its calls begin few and double each second; a 429 holds all starts until the time
that it names, and then they go no faster than what came through until then. Whoever never tells of
a limit has none. Only claims ask: what is claimed is sent. In the memory of one process; what the
others have to know is told by `rates`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from operations.errors import Category, OpenAIServiceError, RateLimit
from operations.kinds import ProviderReply
from operations.models import Operation

FIRST_STARTS = 20
"""Of all workers together, at once and in the first second, with a credential that this process has
never called with; twice as many in each that follows."""

UNTRIED_SECONDS = 8.0
"""Then as many as there are, unless something was learned."""

BURST_SECONDS = 0.1
"""What was not started in time is made up for by so much at most."""

FRONT_LOAD = 2.0
"""So many times the even share of what is left until the reset: near the limit of a bucket that
fills again this settles at a third of it, and in a fixed window it never comes to its end."""

CAUTION = 0.9
GROWTH = 1 / 5000
"""For each success: 500 of them bring back what CAUTION took. The longer nothing is refused the
more, and at once where the provider tells what is left, up to FULL_GROWTH times."""
FULL_GROWTH = 50

RECOVERY = 0.002
"""Starts a second, for each second since the last refusal: where a provider refuses now and then at
any rate, CAUTION alone would end at SLOWEST."""

LONGEST_HOLD_SECONDS = 60.0
"""However long a provider says: one call a minute finds out whether it is true."""

UNNAMED_HOLD_SECONDS = 2.0
SLOWEST = 1 / 60

LOOKAHEAD = 20
"""Due operations that a claim reads beyond those that it may start: of others, perhaps."""

MOST_PACES = 1000
"""People with own keys that this process remembers."""

Whose = int | None
"""Whose key: its owner's id; None: the installation's."""


def whose(operation: Operation) -> Whose:
    return operation.owner_id if operation.own_key else None


@dataclass
class Pace:
    """What is known of one credential. Times are of the process's monotonic clock, seconds; rates
    are starts a second of all workers together."""

    label: str
    is_limitless: bool = False
    """The built-in provider."""
    first_at: float = math.inf
    learned: float | None = None
    """The rate that 429s have shown."""
    learned_at: float = 0.0
    held_until: float = 0.0
    held_at: float = -math.inf
    most_in_flight: float = math.inf
    in_flight: int = 0
    tokens_a_call: float = 1000.0
    rate_limits: dict[str, tuple[RateLimit, float]] = field(default_factory=dict)
    """By name, with the time of the answer."""
    is_told: bool = False
    """Whether answers say what is left, before anything is refused."""
    credit: float = 0.0
    credited_at: float = 0.0
    since: float = 0.0
    passed: int = 0
    """Calls that were let through since then."""
    withheld_at: float = -math.inf
    """When due work was last left because of it."""
    version: int = 0
    """Raised with each thing that the others have to know."""
    told_version: int = 0
    row_at: datetime | None = None
    """The row that was written or taken over last."""

    def room(self, now: float, workers: int) -> float:
        """How many this worker may start."""
        if self.is_limitless:
            return math.inf
        if now < self.held_until:
            return 0
        bounds = [self.most_in_flight, *(each / workers for each in self._left(now))]
        in_flight = max(1.0, min(bounds)) - self.in_flight
        rate = self.rate(now, workers)
        return min(in_flight, math.inf if rate == math.inf else self._credit(now, rate / workers))

    def rate(self, now: float, workers: int) -> float:
        """Infinite where nothing limits it."""
        rates = [self._of(told, at, now, workers) for told, at in self.rate_limits.values()]
        rates.append(self._learned(now))
        if now - self.first_at < UNTRIED_SECONDS and self.learned is None:
            rates.append(FIRST_STARTS * 2.0 ** (now - self.first_at))
        return min(rates)

    def started(self, now: float, workers: int) -> None:
        if self.first_at == math.inf:
            self.first_at = self.since = self.credited_at = now
            self.credit = max(1.0, FIRST_STARTS / workers)
        rate = self.rate(now, workers)
        if rate != math.inf:
            self.credit, self.credited_at = self._credit(now, rate / workers) - 1, now
        self.in_flight += 1

    def passed_one(self, workers: int) -> None:
        self.passed += 1
        self.most_in_flight += 1 / self.most_in_flight
        if self.learned is not None:
            steps = FULL_GROWTH if self.is_told else 1 + (self.passed / 500) ** 2
            self.learned *= 1 + GROWTH * workers * min(steps, FULL_GROWTH)

    def refused(self, began: float, now: float, wait: float | None, workers: int) -> None:
        """A 429 for a call that began then."""
        wait = UNNAMED_HOLD_SECONDS if wait is None else min(wait, LONGEST_HOLD_SECONDS)
        until = max(self.held_until, now + wait)
        if began > self.held_at:  # else it was under way when the hold began
            came_through = workers * self.passed / (until - self.since) if self.passed else 1 / wait
            slower = CAUTION * min(self._learned(now), came_through)
            self.learned, self.learned_at = max(SLOWEST, slower), until
            self.most_in_flight = max(1, self.in_flight // 2)
        self.version += 1
        self.hold(until, now)

    def _learned(self, now: float) -> float:
        if self.learned is None:
            return math.inf
        return self.learned + RECOVERY * max(0.0, now - self.learned_at)

    def hold(self, until: float, now: float) -> None:
        """Start nothing until then."""
        if until <= max(now, self.held_until + 0.01):
            return
        self.held_at, self.held_until = now, until
        self.since, self.passed = until, 0
        self.credit, self.credited_at = 0.0, until

    def saw(self, rate_limits: Sequence[RateLimit], now: float) -> None:
        for told in rate_limits:
            known = self.rate_limits.get(told.name)
            self.version += known is None or known[0].limit != told.limit
            self.rate_limits[told.name] = told, now

    def _credit(self, now: float, rate: float) -> float:
        most = max(2.0, self.credit, rate * BURST_SECONDS)
        return min(most, self.credit + max(0.0, now - self.credited_at) * rate)

    def _left(self, now: float) -> list[float]:
        """Calls that each of the limits has room for."""
        return [
            (told.limit if now >= at + told.reset_seconds else told.remaining)
            / (self.tokens_a_call if told.in_tokens else 1.0)
            for told, at in self.rate_limits.values()
        ]

    def _of(self, told: RateLimit, at: float, now: float, workers: int) -> float:
        if now >= at + told.reset_seconds:
            return math.inf
        cost = self.tokens_a_call if told.in_tokens else 1.0
        # What is under way was not counted yet when the answer was written.
        left = told.remaining / cost - workers * self.in_flight
        filled = (told.limit - told.remaining) / cost / 2
        return max(FRONT_LOAD * left, filled) / told.reset_seconds


@dataclass
class Governor:
    """All paces of a process. `admit` is asked in the database thread, the rest belongs to the
    event loop."""

    clock: Callable[[], float] = time.monotonic
    workers: int = 1
    """Living ones: each starts its share."""
    paces: dict[Whose, Pace] = field(default_factory=dict)
    is_on: bool = True
    """False: whoever is refused is told so at once, and nobody is held back for it."""
    withheld: bool = False
    """Whether the last claim left due work because of a limit."""

    def admit(self, operations: Sequence[Operation]) -> list[Operation]:
        """Those that may be started now, in their order."""
        now = self.clock()
        room: dict[Whose, float] = {}
        admitted = []
        for operation in operations:
            key = whose(operation)
            left = room.setdefault(key, self._room(key, now))
            if left >= 1:
                admitted.append(operation)
                room[key] = left - 1
            else:
                self.withheld = True
                if key in self.paces:
                    self.paces[key].withheld_at = now
        return admitted

    def paced(self) -> bool:
        """Whether any limit is known."""
        return any(pace.version or pace.learned for pace in list(self.paces.values()))

    def hold_ends_in(self) -> float:
        """Seconds until the first of the holds that keep due work back ends; 0: a pace does."""
        now = self.clock()
        newest = max((pace.withheld_at for pace in self.paces.values()), default=-math.inf)
        keeping = [pace for pace in self.paces.values() if pace.withheld_at == newest > -math.inf]
        return min((max(0.0, pace.held_until - now) for pace in keeping), default=0.0)

    def worth_reading(self, limit: int) -> int:
        """Of due operations: most are the installation's, and no more of those can be started."""
        return int(min(limit, self._room(None, self.clock()) + LOOKAHEAD))

    def full(self) -> Collection[Whose]:
        """Those who have a limit and no room for another start."""
        now = self.clock()
        return [key for key, pace in list(self.paces.items()) if pace.room(now, self.workers) < 1]

    def _room(self, key: Whose, now: float) -> float:
        if not self.is_on:
            return math.inf
        pace = self.paces.get(key)
        if pace is None:
            return max(1.0, FIRST_STARTS / self.workers)
        return pace.room(now, self.workers)

    def started(self, operation: Operation, *, is_simulated: bool) -> None:
        if not self.is_on:
            return
        key = whose(operation)
        pace = self.paces.get(key)
        if pace is None or pace.label != operation.credential:
            self._forget_idle()
            pace = self.paces[key] = Pace(operation.credential, is_limitless=is_simulated)
        pace.started(self.clock(), self.workers)

    def _forget_idle(self) -> None:
        if len(self.paces) >= MOST_PACES:
            self.paces = {key: pace for key, pace in self.paces.items() if pace.in_flight}

    def ended(self, operation: Operation) -> None:
        if pace := self.paces.get(whose(operation)):
            pace.in_flight = max(0, pace.in_flight - 1)

    def answered(
        self, operation: Operation, began: float, answer: ProviderReply | OpenAIServiceError
    ) -> None:
        """Of one call."""
        pace = self.paces.get(whose(operation))
        if pace is None or pace.is_limitless:
            return
        pace.saw(answer.rate_limits, self.clock())
        if isinstance(answer, ProviderReply):
            used = answer.usage.input_tokens + answer.usage.output_tokens
            pace.tokens_a_call += (max(1, used) - pace.tokens_a_call) / 20
        elif answer.category is Category.RATE_LIMIT:
            pace.refused(began, self.clock(), answer.retry_after, self.workers)
            return
        elif answer.http_status is None:
            return
        pace.is_told = bool(answer.rate_limits)
        pace.passed_one(self.workers)

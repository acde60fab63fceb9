"""Which process is struck when and how: a pure function of the seed, so that a run can be repeated.

The plan names roles. Which process has the role at that moment is looked up when the strike is due.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

MEAN_GAP_SECONDS = 0.37
QUIET_START_SECONDS = 1.0


class Role(StrEnum):
    SUPERVISOR = "supervisor"
    MAIN = "main"
    SENTINEL = "sentinel"
    DRAIN = "drain"
    SPARE = "spare worker"
    PUSHER = "pusher"
    MONITOR = "monitor"
    WEB = "web"
    WEB_WORKER = "web worker"
    DATABASE = "database"
    BROKER = "broker"
    POOLER = "pooler"


class Action(StrEnum):
    KILL = "kill"
    STOP = "stop"
    HANG = "hang"
    FILL = "fill the memory of"
    FLUSH = "flush"
    READ_ONLY = "fail over to read-only"
    TAKE_CONNECTIONS = "take the connections of"
    LOCK = "hold a lock in"
    FILL_DISK = "fill the disk of"
    DELAY = "delay the network of"


@dataclass(frozen=True)
class Fault:
    """Of what surrounds the product."""

    role: Role
    action: Action

    def __str__(self) -> str:
        return f"{self.action} {self.role}"


WEIGHTS = {
    # Each of the first three costs the whole cluster, and a cluster that never lives does no work.
    Role.SUPERVISOR: 2,
    Role.MAIN: 2,
    Role.SENTINEL: 2,
    Role.DRAIN: 24,
    Role.SPARE: 15,
    Role.PUSHER: 13,
    Role.MONITOR: 12,
    Role.WEB: 8,
    Role.WEB_WORKER: 18,
}
KILLED_SHARE = 0.5
LONG_STOP_LEASES = (1.2, 2.6)
PAUSE_GAP_SECONDS = 6.0
FAULT_GAP_SECONDS = 6.0
LONGEST_FAULT_LEASES = 1.4
CALMER_BESIDE_INFRASTRUCTURE = 2.0


@dataclass(frozen=True)
class Strike:
    """`choice` (0 ≤ choice < 1) picks one of the processes with the role."""

    at: float
    role: Role
    action: Action
    choice: float
    hold_seconds: float


def plan(
    *, seed: int, seconds: float, lease_seconds: float, infrastructure: tuple[Fault, ...] = ()
) -> list[Strike]:
    """Signals for processes, and the given faults of what surrounds them, in order of time."""
    dice = random.Random(seed)  # noqa: S311
    gap = MEAN_GAP_SECONDS * (CALMER_BESIDE_INFRASTRUCTURE if infrastructure else 1.0)
    strikes = [
        *_process_strikes(dice, seconds, lease_seconds, gap),
        *_pauses(dice, seconds, lease_seconds),
    ]
    strikes += _faults(dice, seconds, lease_seconds, infrastructure)
    return sorted(strikes, key=lambda strike: strike.at)


def _process_strikes(
    dice: random.Random, seconds: float, lease_seconds: float, gap_seconds: float
) -> Iterator[Strike]:
    roles, weights = list(WEIGHTS), list(WEIGHTS.values())
    at = QUIET_START_SECONDS
    while (at := at + dice.expovariate(1 / gap_seconds)) < seconds:
        (role,) = dice.choices(roles, weights)
        action = Action.KILL if dice.random() < KILLED_SHARE else Action.STOP
        yield Strike(at, role, action, dice.random(), _hold_seconds(dice, lease_seconds))


def _hold_seconds(dice: random.Random, lease_seconds: float) -> float:
    """Half of the stops outlast the lease: their work is somebody else's when they wake up."""
    share = dice.choice((dice.uniform(0.1, 0.8), dice.uniform(*LONG_STOP_LEASES)))
    return share * lease_seconds


def _pauses(dice: random.Random, seconds: float, lease_seconds: float) -> Iterator[Strike]:
    """Drains that wake up to find their work taken over, in campaigns of any length."""
    at = QUIET_START_SECONDS
    while (at := at + dice.uniform(0.5, 1.5) * PAUSE_GAP_SECONDS) < seconds:
        hold = dice.uniform(*LONG_STOP_LEASES) * lease_seconds
        yield Strike(at, Role.DRAIN, Action.STOP, dice.random(), hold)


def _faults(
    dice: random.Random, seconds: float, lease_seconds: float, faults: tuple[Fault, ...]
) -> Iterator[Strike]:
    """One after the other, each before any comes again."""
    at = QUIET_START_SECONDS
    for fault in itertools.cycle(dice.sample(faults, len(faults))):
        at += dice.uniform(0.8, 1.2) * FAULT_GAP_SECONDS
        if at >= seconds:
            return
        hold = dice.uniform(0.4, LONGEST_FAULT_LEASES) * lease_seconds
        yield Strike(at, fault.role, fault.action, dice.random(), hold)

"""How much of everything a bench does: the whole of it, or a smoke run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """How much of everything. django-q2 with 8 workers answers 8/s at 1 s: a backlog of 10,000
    would take 21 minutes a round, and the rate of a full fixed pool does not depend on it."""

    rounds: int
    sizes: Sequence[int]
    """Calls in flight of each of two processes, at 1 s. Variants are tried at the first."""
    small_sizes: Sequence[int]
    """The same without latency, where less is more."""
    sweep_count: int
    sweep_count_small: int
    """Without latency, and for variants."""
    count: int
    count_small: int
    """Without latency, where a few seconds are a steady state."""
    count_django_q2: Sequence[int]
    """At 1 s of 8 and of 32 workers; without latency of 8."""
    producer_count: int
    idle_count: int
    rest_seconds: float
    paced_seconds: float
    trickle_count: int
    """At least, at each rate."""
    trickle_seconds: float
    """At least too."""
    flight_count: int
    web_count: int
    """Of the backlog that is worked off beside the requests."""
    outage_count: int
    paced_rate: float = 0.0
    """Submissions a second at half load; 0: half of what the side itself managed."""


FULL = Scale(
    rounds=3,
    sizes=(500, 200, 1000),
    small_sizes=(200, 64, 16),
    sweep_count=1500,
    sweep_count_small=800,
    count=10_000,
    count_small=5000,
    count_django_q2=(200, 640, 4000),
    producer_count=3000,
    idle_count=20,
    rest_seconds=60.0,
    paced_seconds=20.0,
    trickle_count=40,
    trickle_seconds=20.0,
    flight_count=1000,
    web_count=20_000,
    outage_count=2000,
)
QUICK = Scale(
    rounds=1,
    sizes=(200,),
    small_sizes=(64,),
    sweep_count=400,
    sweep_count_small=400,
    count=800,
    count_small=800,
    count_django_q2=(24, 64, 200),
    producer_count=300,
    idle_count=5,
    rest_seconds=5.0,
    paced_seconds=4.0,
    trickle_count=4,
    trickle_seconds=3.0,
    flight_count=200,
    web_count=6000,
    outage_count=400,
)

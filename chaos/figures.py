"""What a campaign measured, and whether it proves anything."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

STALE_WRITES_OF_A_PAUSE_CAMPAIGN = 500


@dataclass
class Figures:
    """Filled while a campaign runs; `violations` and `vacuous` decide about it."""

    backend: str
    kind: str
    seed: int
    seconds: float
    signals: dict[str, int] = field(default_factory=dict)
    """By action and role, those that arrived. The SIGCONT after a stop is not counted."""
    faults_met: dict[str, int] = field(default_factory=dict)
    """Of the surroundings: those that were there, and during which somebody asked the product."""
    supervisor_starts: int = 0
    web_starts: int = 0
    cluster_restarts: dict[str, int] = field(default_factory=dict)
    longest_without_drain_seconds: float = 0.0
    live_looks: int = 0
    operations: int = 0
    completed_by_itself: int = 0
    ended_otherwise: dict[str, int] = field(default_factory=dict)
    retried_by_person: int = 0
    completed_in_the_end: int = 0
    attempts: int = 0
    calls: int = 0
    possibly_paid_twice: int = 0
    rescues: int = 0
    attempts_lost: int = 0
    """Taken away from a worker, whether its answer never came or was refused."""
    stale_writes_refused: int = 0
    answers_confirmed: int = 0
    requests_repeated: int = 0
    settled_seconds: float = 0.0
    settle_limit_seconds: float = 0.0
    violations: list[str] = field(default_factory=list)
    vacuous: list[str] = field(default_factory=list)

    @property
    def is_green(self) -> bool:
        return not self.violations and not self.vacuous

    @property
    def signal_count(self) -> int:
        return sum(self.signals.values())

    @property
    def stale_writes_needed(self) -> int:
        return STALE_WRITES_OF_A_PAUSE_CAMPAIGN if self.kind == "pause" else 1

    def judge_vacuity(self) -> None:
        """A campaign in which nothing went wrong has shown nothing."""
        if not self.signal_count:
            self.vacuous.append("no signal was sent")
        self.vacuous += [f"nobody met: {fault}" for fault, n in self.faults_met.items() if not n]
        if not self.attempts_lost:
            self.vacuous.append("no lease was lost")
        if self.stale_writes_refused < self.stale_writes_needed:
            needed = f"{self.stale_writes_needed} needed"
            self.vacuous.append(f"{self.stale_writes_refused} stale writes came, {needed}")
        if not self.answers_confirmed:
            self.vacuous.append("no answer was confirmed")

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Figures:
        return cls(**json.loads(text))

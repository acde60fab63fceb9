"""What a bench runs, in which order: sweeps, interleaved rounds, and what stands beside them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.host import BrokenRun, Host
from bench.options import Run, Variant
from bench.report import OUTAGES, TRICKLES
from bench.scale import Scale
from bench.sides import PEERS

Figures = dict[str, Any]

THREADS = ("celery", "dramatiq")
"""Their users choose how a thread holds its database and HTTP connections: each way is tried."""

VARIANTS = tuple(
    Variant(pool=pool, client_per_thread=client)
    for pool in (False, True)
    for client in (False, True)
)

ON_SQLITE = {"processes": 1, "concurrency": 200}
"""What the product sets by itself on SQLite. A backlog gets more in flight, as on PostgreSQL."""

ON_POSTGRESQL = {"processes": 2, "concurrency": 200}
"""The same on two cores, and what peers get where little is to be done."""

FLIGHT_LATENCY = 25.0
"""Below the product's time-out of 30 s, and time enough to bring all calls into flight."""

SHOWN = (
    "round",
    "label",
    "setting",
    "broken",
    "count",
    "rate",
    "worker_cpu_ms",
    "pss_mb",
    "idle_start_p50_ms",
    "idle_pss_mb",
    "idle_cpu_ms_s",
    "whole_pss_mb",
    "whole_cpu_ms_s",
    "worker_idle_cpu_ms",
    "overhead_p50_ms",
    "overhead_p99_ms",
    "cancel_ms",
    "sigterm_seconds",
)
"""Of a measurement, in the line that tells that it is done."""

STEPS = (
    "sweep",
    "rounds",
    "cheap",
    "sqlite",
    "producer",
    "idle",
    "paced",
    "trickle",
    "flight",
    "web",
    "outage",
)


@dataclass
class Plan:
    """`run` fills `results`; `keep` is called after each measurement."""

    host: Host
    scale: Scale
    sides: Sequence[str]
    steps: Sequence[str]
    keep: Callable[[Figures], None]
    damage: bool = False
    results: Figures = field(default_factory=dict)
    _best: dict[tuple[str, float], Run] = field(default_factory=dict)
    _started: float = field(default_factory=time.monotonic)

    def run(self) -> Figures:
        """Raises `host.VoidRun` at the first row that is wrong or missing."""
        for latency in (1.0, 0.0):
            self._sweep(latency)
            self._rounds(latency)
        self._cheap()
        self._sqlite()
        self._producer()
        self._idle()
        self._paced()
        self._trickle()
        self._flight()
        self._web()
        self._outage()
        return self.results

    @property
    def _pools(self) -> list[str]:
        """The sides whose calls in flight are swept."""
        return [side for side in ("ours", *PEERS) if side in self.sides]

    def _sweep(self, latency: float) -> None:
        if "sweep" not in self.steps:
            return
        for side in self._pools:
            self._keep_best(latency, self._tried_variants(side, latency))
            self._keep_best(latency, self._tried_sizes(side, latency))

    def _tried_variants(self, side: str, latency: float) -> list[Run]:
        run = self._of(side, latency, self.scale.sweep_count_small)
        if side not in THREADS:
            return []
        return [run.with_(variant=variant) for variant in VARIANTS]

    def _tried_sizes(self, side: str, latency: float) -> list[Run]:
        count = self.scale.sweep_count if latency else self.scale.sweep_count_small
        run = self._of(side, latency, count)
        return [run.with_(concurrency=size) for size in self._sizes(latency)]

    def _keep_best(self, latency: float, runs: list[Run]) -> None:
        """By operations/s. A setting with which the workers do not work is noted and left out."""
        step = f"sweep_{latency:g}s"
        rates: dict[Run, float] = {}
        for run in runs:
            if figures := self._measure_beside(step, run):
                rates[run] = figures["rate"]
        if rates:
            self._best[runs[0].side, latency] = max(rates, key=rates.__getitem__)

    def _rounds(self, latency: float) -> None:
        if "rounds" not in self.steps:
            return
        count = self.scale.count if latency else self.scale.count_small
        runs = [self._of(side, latency, count) for side in self._pools]
        runs += self._django_q2(latency)
        for number in range(self.scale.rounds):
            # Each round begins with another side: nobody always runs on the same warm or tired
            # machine.
            for run in runs[number:] + runs[:number]:
                self._measure_in_round(f"rounds_{latency:g}s", number + 1, run)

    def _measure_in_round(self, step: str, number: int, run: Run, *, sqlite: bool = False) -> None:
        """Once more where the workers stopped: a round without a side would prove nothing."""
        try:
            self._measure(step, run, sqlite=sqlite, round=number)
        except BrokenRun as broken:
            print(f"again: {broken}", file=sys.stderr)
            self._measure(step, run, sqlite=sqlite, round=number)

    def _django_q2(self, latency: float) -> list[Run]:
        if "django_q2" not in self.sides:
            return []
        if not latency:
            return [Run("django_q2", latency, self.scale.count_django_q2[2], 8)]
        return [
            Run("django_q2", latency, count, workers)
            for workers, count in zip((8, 32), self.scale.count_django_q2, strict=False)
        ]

    def _cheap(self) -> None:
        """The best peer with the call that ours makes: how much of the difference is the call."""
        if "cheap" not in self.steps or (best := self._best_peer()) is None:
            return
        for latency in (1.0, 0.0):
            run = self._of(best, latency, self.scale.count_small)
            self._measure_beside("cheap", run.with_(variant=_with_cheap_call(run.variant)))

    def _sqlite(self) -> None:
        if "sqlite" in self.steps and "ours" in self.sides:
            for latency in (1.0, 0.0):
                run = self._of("ours", latency, self.scale.count)
                one = run.with_(processes=1, concurrency=run.in_flight)
                self._measure_beside("sqlite", one, sqlite=True)

    def _producer(self) -> None:
        if "producer" not in self.steps:
            return
        for side in self._pools:
            run = self._of(side, 1.0, self.scale.producer_count).with_(mode="producer")
            self._measure_beside("producer", run)
            if side == "ours":
                self._measure_beside("producer", run.with_(**ON_SQLITE), sqlite=True)

    def _idle(self) -> None:
        if "idle" not in self.steps:
            return
        for run in [*map(self._at_rest, self._pools), *self._django_q2(1.0)[:1]]:
            run = run.with_(mode="idle", latency=0.2, count=self.scale.idle_count)
            self._measure_beside("idle", run)
            if run.is_ours:
                self._measure_beside("idle", run.with_(**ON_SQLITE), sqlite=True)
                self._measure_beside("idle", run.with_(wakes_by_redis=True))
        self._rest()

    def _rest(self) -> None:
        seconds = self.scale.rest_seconds
        for run in [*map(self._small, self._pools), *self._django_q2(1.0)[:1]]:
            run = run.with_(mode="rest", rest_seconds=seconds)
            self._measure_beside("installation", run)
            if run.is_ours:
                self._measure_beside("installation", run.with_(**ON_SQLITE), sqlite=True)

    def _small(self, side: str) -> Run:
        return self._of(side, 1.0, 0).with_(**ON_POSTGRESQL)

    def _at_rest(self, side: str) -> Run:
        return self._of(side, 1.0, 0).with_(concurrency=self.scale.sizes[0])

    def _paced(self) -> None:
        """At half of what the side itself managed with the producer on the same machine: half of
        what it does with a backlog that others made would leave it no core to do it with."""
        if "paced" not in self.steps:
            return
        if self.scale.paced_rate:
            self._paced_alike(self.scale.paced_rate)
            return
        for figures in [each for each in self.results.get("producer", ()) if "rate" in each]:
            run, is_sqlite = self._at_half(figures), figures["setting"] == "SQLite"
            self._measure_beside(
                "paced", run.with_(**ON_SQLITE) if is_sqlite else run, sqlite=is_sqlite
            )

    def _at_half(self, figures: Figures) -> Run:
        half = figures["rate_middle"] / 2
        count = max(20, round(half * self.scale.paced_seconds))
        return self._of(figures["side"], 1.0, count).with_(mode="paced", rate=half)

    def _paced_alike(self, rate: float) -> None:
        count = max(20, round(rate * self.scale.paced_seconds))
        for side in self._pools:
            run = self._of(side, 1.0, count).with_(mode="paced", rate=rate)
            self._measure_beside("paced", run)
            if run.is_ours:
                self._measure_beside("paced", run.with_(**ON_SQLITE), sqlite=True)

    def _trickle(self) -> None:
        if "trickle" not in self.steps:
            return
        for rate in TRICKLES:
            runs = [(self._trickling(self._small(side), rate), False) for side in self._pools]
            if "ours" in self.sides:
                ours = self._small("ours").with_(**ON_SQLITE)
                runs.append((self._trickling(ours, rate), True))
            # django-q2 with 8 workers does 8 a second at 1 s.
            for run in self._django_q2(1.0)[rate > 5 :][:1]:
                runs.append((self._trickling(run, rate), False))
            self._in_rounds(f"trickle_{rate}", runs)

    def _trickling(self, run: Run, rate: int) -> Run:
        count = max(self.scale.trickle_count, round(rate * self.scale.trickle_seconds))
        return run.with_(mode="trickle", rate=rate, count=count)

    def _flight(self) -> None:
        if "flight" in self.steps and "ours" in self.sides:
            count = self.scale.flight_count
            self._measure_beside(
                "flight", Run("ours", FLIGHT_LATENCY, count, count // 2, mode="flight")
            )

    def _web(self) -> None:
        if "web" in self.steps and "ours" in self.sides:
            each = self.scale.flight_count // 2
            run = Run("ours", FLIGHT_LATENCY, self.scale.web_count, each, mode="web")
            self._measure_beside("web", run)
            one = run.with_(processes=1, concurrency=run.in_flight)
            self._measure_beside("web", one, sqlite=True)

    def _outage(self) -> None:
        """Every call fails at once: one process, 200 calls in flight, 50 ms."""
        if "outage" not in self.steps:
            return
        for status in OUTAGES:
            runs = [(self._failing(side, status), False) for side in self._pools]
            runs += [(run, True) for run, _ in runs if run.is_ours]
            self._in_rounds(f"outage_{status}", runs)

    def _in_rounds(self, step: str, runs: list[tuple[Run, bool]]) -> None:
        """Each a run, and whether it is on SQLite."""
        for number in range(self.scale.rounds):
            for run, sqlite in runs[number % len(runs) :] + runs[: number % len(runs)]:
                self._measure_in_round(step, number + 1, run, sqlite=sqlite)

    def _failing(self, side: str, status: int) -> Run:
        return Run(side, 0.05, self.scale.outage_count, 200, processes=1, outage=status)

    def _sizes(self, latency: float) -> Sequence[int]:
        return self.scale.sizes if latency else self.scale.small_sizes

    def _of(self, side: str, latency: float, count: int) -> Run:
        """With the setting that was best in the sweep, or the first where there was none."""
        first = Run(side, latency, count, self._sizes(latency)[0])
        return self._best.get((side, latency), first).with_(count=count)

    def _best_peer(self) -> str | None:
        rates = {
            side: rate
            for side in self.sides
            if side in PEERS and (rate := self._median_rate("rounds_1s", side))
        }
        return max(rates, key=rates.__getitem__) if rates else None

    def _median_rate(self, step: str, side: str) -> float | None:
        rates = sorted(each["rate"] for each in self.results.get(step, ()) if each["side"] == side)
        return rates[len(rates) // 2] if rates else None

    def _measure_beside(self, step: str, run: Run, *, sqlite: bool = False) -> Figures | None:
        """What no ratio needs: a run whose workers do not work is noted and left out."""
        try:
            return self._measure(step, run, sqlite=sqlite)
        except BrokenRun as broken:
            self._note(step, {"side": run.side, "label": run.label, "broken": str(broken)})
            return None

    def _measure(self, step: str, run: Run, *, sqlite: bool = False, **notes: Any) -> Figures:
        figures = self.host.measure(run.with_(damage=self.damage), sqlite=sqlite)
        self._note(step, {**notes, **figures})
        return figures

    def _note(self, step: str, figures: Figures) -> None:
        self.results.setdefault(step, []).append(figures)
        self.keep(self.results)
        minutes = (time.monotonic() - self._started) / 60
        print(f"{minutes:5.1f} min  {step}: {_short(figures)}", file=sys.stderr)


def _with_cheap_call(variant: Variant) -> Variant:
    return Variant(pool=variant.pool, client_per_thread=variant.client_per_thread, cheap_call=True)


def _short(figures: Figures) -> str:
    return ", ".join(f"{name} {figures[name]}" for name in SHOWN if figures.get(name))

"""Ratios and tables of what was measured. A ratio is taken inside each round; the median of the
rounds' ratios is the figure, the smallest and the largest stand beside it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bench.sides import PEERS

OUTAGES = (503, 429)
"""Statuses: a server error is asked again three times, a rate limit is not."""

TRICKLES = (1, 5, 20)
"""Submissions a second."""

Figures = dict[str, Any]

TARGETS = {
    "ratio_best_peer_1s": 3.0,
    "ratio_django_q2_8_1s": 60.0,
    "ratio_best_peer_0s": 3.0,
    "cpu_ratio_best_peer": 2.5,
    "outage_503_best_peer": 3.0,
}

COLUMNS = {
    "label": "side",
    "setting": "setting",
    "rate": "ops/s",
    "rate_middle": "middle 80 %",
    "worker_cpu_ms": "worker CPU ms/op",
    "postgresql_cpu_ms": "PostgreSQL CPU",
    "redis_cpu_ms": "Redis CPU",
    "stub_cpu_ms": "stub CPU",
    "pss_mb": "PSS MB",
    "processes": "processes",
}
IDLE = {
    "label": "side",
    "setting": "setting",
    "idle_start_p50_ms": "start p50 ms",
    "idle_start_worst_ms": "worst",
    "idle_overhead_p50_ms": "overhead p50 ms",
    "idle_overhead_worst_ms": "worst",
}
PACED = {
    "label": "side",
    "setting": "setting",
    "asked_rate": "asked/s",
    "submitted_rate": "submitted/s",
    "start_p50_ms": "start p50 ms",
    "overhead_p50_ms": "overhead p50 ms",
    "overhead_p99_ms": "p99",
    "overhead_worst_ms": "worst",
}
TRICKLE = {
    "label": "side",
    "setting": "setting",
    "submitted_rate": "submitted/s",
    "worker_cpu_ms": "worker CPU ms/op",
    "worker_idle_cpu_ms": "of it idle",
    "postgresql_cpu_ms": "PostgreSQL CPU",
    "postgresql_idle_cpu_ms": "of it idle",
    "redis_cpu_ms": "Redis CPU",
    "overhead_p50_ms": "overhead p50 ms",
    "overhead_p99_ms": "p99",
}
INSTALLATION = {
    "label": "side",
    "setting": "setting",
    "idle_pss_mb": "workers: PSS MB",
    "idle_processes": "processes",
    "idle_cpu_ms_s": "CPU ms/s",
    "idle_postgresql_cpu_ms_s": "PostgreSQL CPU",
    "idle_redis_cpu_ms_s": "Redis CPU",
    "whole_pss_mb": "with web part: PSS MB",
    "whole_processes": "processes",
    "whole_cpu_ms_s": "CPU ms/s",
    "whole_postgresql_cpu_ms_s": "PostgreSQL CPU",
}
TITLES = {
    "sweep_1s": ("Sweep, provider latency 1 s", COLUMNS),
    "rounds_1s": ("Rounds, provider latency 1 s, median of the rounds", COLUMNS),
    "sweep_0s": ("Sweep, no latency", COLUMNS),
    "rounds_0s": ("Rounds, no latency, median of the rounds", COLUMNS),
    "cheap": ("The best peer with ours' own call (client.post); 1 s, then none", COLUMNS),
    "sqlite": ("Ours on SQLite; 1 s, then none", COLUMNS),
    "producer": ("End to end, the producer on the same machine, 1 s", COLUMNS),
    "outage_503": ("Every call answers 503 at once, 50 ms, one process of 200", COLUMNS),
    "outage_429": ("Every call answers 429 at once, 50 ms, one process of 200", COLUMNS),
    "idle": (
        "Idle workers, one submission at a time: from before the submission until started",
        IDLE,
    ),
    "paced": (
        "Half of the end-to-end rate, 1 s: overhead beyond the provider's latency",
        PACED,
    ),
    **{
        f"trickle_{rate}": (f"{rate} submitted each second, 1 s; CPU an operation", TRICKLE)
        for rate in TRICKLES
    },
    "installation": ("An installation that nobody uses; SQLite with web part: `up`", INSTALLATION),
}
LISTED = {
    "flight": "Many calls in flight in two processes, 25 s latency",
    "web": "Requests to the web server: idle workers, 1,000 calls in flight, a backlog under way",
}


def ratios(results: Figures) -> dict[str, dict[str, Any]]:
    """{name: {median, least, most, rounds, target, reached}}; a ratio without its sides is left
    out."""
    found: dict[str, dict[str, Any]] = {}
    for name, values in _all_ratios(results):
        if not values:
            continue
        median = statistics.median(values)
        found[name] = {
            "median": round(median, 2),
            "least": round(min(values), 2),
            "most": round(max(values), 2),
            "rounds": [round(value, 3) for value in values],
        }
        if name in TARGETS:
            found[name] |= {"target": TARGETS[name], "reached": median >= TARGETS[name]}
    return found


def _all_ratios(results: Figures) -> Iterator[tuple[str, list[float]]]:
    at_1s, at_0s = _rounds(results, "rounds_1s"), _rounds(results, "rounds_0s")
    yield "ratio_best_peer_1s", _each(at_1s, lambda ours, r: ours["rate"] / fastest(r)["rate"])
    yield "ratio_django_q2_8_1s", _against(at_1s, "django_q2 8")
    yield "ratio_django_q2_32_1s", _against(at_1s, "django_q2 32")
    yield "ratio_best_peer_0s", _each(at_0s, lambda ours, r: ours["rate"] / fastest(r)["rate"])
    yield "ratio_django_q2_8_0s", _against(at_0s, "django_q2 8")
    yield "cpu_ratio_best_peer", _each(at_1s, lambda ours, r: worker(fastest(r)) / worker(ours))
    yield "cpu_ratio_thriftiest_peer", _each(at_1s, _against_thriftiest)
    yield (
        "cpu_ratio_best_peer_with_services",
        _each(at_1s, lambda o, r: whole(fastest(r)) / whole(o)),
    )
    yield "cpu_ratio_best_peer_0s", _each(at_0s, lambda ours, r: worker(fastest(r)) / worker(ours))

    for rate in TRICKLES:
        rounds = _on_postgresql(_rounds(results, f"trickle_{rate}"))
        yield f"trickle_{rate}_cpu_thriftiest_peer", _each(rounds, _against_thriftiest)
    for status in OUTAGES:
        rounds = _on_postgresql(_rounds(results, f"outage_{status}"))
        yield (
            f"outage_{status}_best_peer",
            _each(rounds, lambda ours, r: ours["rate"] / fastest(r)["rate"]),
        )
        yield (
            f"outage_{status}_cpu_best_peer",
            _each(rounds, lambda ours, r: worker(fastest(r)) / worker(ours)),
        )


def fastest(round_: list[Figures]) -> Figures:
    """The best peer of this round."""
    return max(_peers(round_), key=lambda figures: float(figures["rate"]))


def worker(figures: Figures) -> float:
    return float(figures["worker_cpu_ms"])


def whole(figures: Figures) -> float:
    """With what PostgreSQL and Redis used for it."""
    return worker(figures) + float(figures["postgresql_cpu_ms"]) + float(figures["redis_cpu_ms"])


def _against_thriftiest(ours: Figures, round_: list[Figures]) -> float:
    return min(map(worker, _peers(round_))) / worker(ours)


def _peers(round_: list[Figures]) -> list[Figures]:
    return [figures for figures in round_ if figures["side"] in PEERS]


def _rounds(results: Figures, step: str) -> list[list[Figures]]:
    rounds: dict[int, list[Figures]] = {}
    for figures in results.get(step, ()):
        rounds.setdefault(figures["round"], []).append(figures)
    return list(rounds.values())


def _on_postgresql(rounds: list[list[Figures]]) -> list[list[Figures]]:
    return [[each for each in one if "SQLite" not in each["setting"]] for one in rounds]


def _each(
    rounds: list[list[Figures]], ratio: Callable[[Figures, list[Figures]], float]
) -> list[float]:
    return [
        ratio(ours, round_)
        for round_ in rounds
        for ours in round_
        if ours["side"] == "ours" and _peers(round_)
    ]


def _against(rounds: list[list[Figures]], label: str) -> list[float]:
    return [
        ours["rate"] / other["rate"]
        for round_ in rounds
        for ours in round_
        for other in round_
        if ours["side"] == "ours" and other["label"] == label
    ]


def medians(step: list[Figures]) -> list[Figures]:
    """One row a label; figures that are numbers become their median over the rounds."""
    labels: dict[tuple[str, str], list[Figures]] = {}
    for figures in step:
        labels.setdefault((figures["label"], figures["setting"]), []).append(figures)
    return [_median_row(rows) for rows in labels.values()]


def _median_row(rows: list[Figures]) -> Figures:
    return {
        name: statistics.median(row[name] for row in rows)
        if isinstance(value, int | float)
        else value
        for name, value in rows[0].items()
    }


def lines(results: Figures) -> Iterator[str]:
    for step, (title, columns) in TITLES.items():
        rows = [row for row in results.get(step, ()) if "broken" not in row]
        if rows:
            yield from ("", title)
            yield from table(columns, medians(rows) if "round" in rows[0] else rows)
        for row in results.get(step, ()):
            if "broken" in row:
                yield f"  {row['label']} did not work, see results"
    for step, title in LISTED.items():
        for figures in results.get(step, ()):
            yield from ("", title)
            yield from (f"  {name}: {value}" for name, value in figures.items())
    yield from ("", "Ratios: ours to theirs, median of the rounds [least, most]")
    for name, ratio in results.get("ratios", {}).items():
        target = ""
        if "target" in ratio:
            target = f"  target {ratio['target']:g}: {'reached' if ratio['reached'] else 'MISSED'}"
        yield f"  {name}: {ratio['median']} [{ratio['least']}, {ratio['most']}]{target}"


def table(columns: dict[str, str], rows: Iterable[Figures]) -> Iterator[str]:
    cells = [list(columns.values())]
    cells += [[_cell(row.get(name)) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        first, *others = (
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  " + "  ".join((first, *others))


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)

"""Ours and the peers side by side: `python -m bench`, or `--quick` for a smoke run.

Prints tables and writes bench/results.json (`--quick` and partial runs: bench/results/). Exit code
1: the run is void, and no ratio is printed. A ratio below its target is no error: it is a result.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import importlib.metadata
import json
import os
import platform
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import report
from bench.host import Host, VoidRun
from bench.options import ROOT
from bench.plan import STEPS, Plan
from bench.scale import FULL, QUICK
from bench.services import POSTGRESQL_OPTIONS
from bench.sides import NAMES

RESULTS = ROOT / "bench" / "results.json"
OTHER_RESULTS = ROOT / "bench" / "results"
"""Not in version control."""

PACKAGES = ("django", "openai", "django-q2", "celery", "dramatiq", "procrastinate", "psycopg")


def main() -> int:
    options = _parser().parse_args()
    scale = QUICK if options.quick else FULL
    scale = dataclasses.replace(scale, paced_rate=options.paced_rate)
    if options.rounds:
        scale = dataclasses.replace(scale, rounds=options.rounds)
    sides = options.only.split(",") if options.only else list(NAMES)
    # A smoke run is to be short: it takes the first setting of each side instead of the best.
    usual = [step for step in STEPS if not (options.quick and step == "sweep")]
    steps = options.steps.split(",") if options.steps else usual
    if not {*sides} <= {*NAMES} or not {*steps} <= {*STEPS}:
        raise SystemExit(f"sides are {', '.join(NAMES)}; steps are {', '.join(STEPS)}")
    whole = not (options.quick or options.only or options.steps)
    with Host() as host:
        facts = {"machine": machine_facts(host), "scale": dataclasses.asdict(scale)}
        plan = Plan(host, scale, sides, steps, _keeper(facts), damage=options.spoil)
        try:
            results = {**facts, **plan.run()}
        except VoidRun as void:
            print(f"bench: void. {void}", file=sys.stderr)
            return 1
    ratios = report.ratios(results)
    results |= {"ratios": ratios, **{name: ratio["median"] for name, ratio in ratios.items()}}
    path = RESULTS if whole else OTHER_RESULTS / "partial.json"
    _write(path, results)
    print("\n".join(report.lines(results)))
    print(f"\nWritten to {path.relative_to(ROOT)}")
    return 0


def machine_facts(host: Host) -> dict[str, Any]:
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[0],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": host.postgresql.version,
        "postgresql_options": POSTGRESQL_OPTIONS,
        "redis": host.redis.version,
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def _keeper(facts: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """A run that is broken off leaves what it has, without a ratio."""

    def keep(results: dict[str, Any]) -> None:
        _write(OTHER_RESULTS / "unfinished.json", {**facts, **results})

    return keep


def _write(path: Path, results: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="Small backlogs, one round, no sweep.")
    parser.add_argument("--only", help=f"Sides, with commas: {', '.join(NAMES)}.")
    parser.add_argument("--steps", help=f"Steps, with commas: {', '.join(STEPS)}.")
    parser.add_argument("--rounds", type=int, help="Interleaved rounds, instead of 3.")
    parser.add_argument(
        "--paced-rate",
        type=float,
        default=0.0,
        help="Submissions a second of the step paced, instead of half of what each side manages.",
    )
    parser.add_argument(
        "--spoil", action="store_true", help="Spoil one row before it is verified: has to be void."
    )
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    raise SystemExit(main())

"""Ours beside ours of another commit: `python -m bench.against dfad416 --steps rounds,outage`.

Both are measured by the bench of this tree, turn by turn, each in an environment of its own. Prints
the ratio of this tree to the other for each measurement: the median of the rounds [least, most].
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.options import ROOT

Figures = dict[str, Any]
Key = tuple[str, str, str]

SHOWN = (
    "rate",
    "asked_rate",
    "worker_cpu_ms",
    "worker_idle_cpu_ms",
    "postgresql_cpu_ms",
    "postgresql_idle_cpu_ms",
    "pss_mb",
    "overhead_p50_ms",
    "overhead_p99_ms",
    "idle_start_p50_ms",
    "idle_pss_mb",
    "idle_cpu_ms_s",
    "idle_postgresql_cpu_ms_s",
    "whole_pss_mb",
    "whole_cpu_ms_s",
    "web_processor.post_ms",
    "web_processor.get_ms",
    "web_processor.unchanged_ms",
    "web_idle.post_p50_ms",
    "web_idle.get_p50_ms",
    "web_busy.post_p50_ms",
    "web_busy.post_p99_ms",
)
STEPS = "rounds,sqlite,producer,idle,paced,trickle,flight,web,outage"
MOVED = {"operations.workers.processes": "operations.processes"}
"""Modules that the bench imports, and where older commits have them."""
RESULTS = Path("bench", "results", "partial.json")


def main() -> int:
    options = _parser().parse_args()
    there = other_tree(options.commit)
    rounds: list[tuple[Figures, Figures]] = []
    for number in range(options.rounds):
        # Each round begins with the other tree: neither always runs on the warmer machine.
        trees = (ROOT, there) if number % 2 == 0 else (there, ROOT)
        measured = {tree: measure(tree, options) for tree in trees}
        rounds.append((measured[ROOT], measured[there]))
    print("\n".join(lines(rounds, options.commit)))
    return 0


def other_tree(commit: str) -> Path:
    """The commit's own code and packages with this tree's bench. Kept, for the next time."""
    tree = ROOT / ".local" / "against" / commit
    if not (tree / "manage.py").exists():
        tree.mkdir(parents=True, exist_ok=True)
        archive = subprocess.run(  # noqa: S603
            ["git", "archive", commit],  # noqa: S607
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
        )
        subprocess.run(["tar", "-x"], cwd=tree, check=True, input=archive.stdout)  # noqa: S607
    ours = shutil.ignore_patterns(".venv", "results", "__pycache__")
    shutil.copytree(ROOT / "bench", tree / "bench", ignore=ours, dirs_exist_ok=True)
    for module, before in MOVED.items():
        if (tree / f"{before.replace('.', '/')}.py").exists():
            for file in (tree / "bench").glob("*.py"):
                file.write_text(file.read_text().replace(module, before))
    subprocess.run(["make", "bench/.venv/.installed"], cwd=tree, check=True)  # noqa: S607
    return tree


def measure(tree: Path, options: argparse.Namespace) -> Figures:
    """Raises `CalledProcessError` where the run was void."""
    python = sys.executable if tree == ROOT else str(tree / "bench" / ".venv" / "bin" / "python")
    command = [python, "-m", "bench", "--only", "ours", "--rounds", "1", "--steps", options.steps]
    command += ["--paced-rate", str(options.paced_rate)]
    command += ["--quick"] if options.quick else []
    subprocess.run(command, cwd=tree, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    figures: Figures = json.loads((tree / RESULTS).read_text())
    return figures


def lines(rounds: list[tuple[Figures, Figures]], commit: str) -> Iterator[str]:
    pairs: dict[Key, list[tuple[Figures, Figures]]] = {}
    for here, there in rounds:
        found = _measurements(there)
        for key, figures in _measurements(here).items():
            if key in found:  # a run whose workers did not work is in neither
                pairs.setdefault(key, []).append((figures, found[key]))
    yield f"This tree to {commit}: medians, and their ratio; of {len(rounds)} rounds' ratios the"
    yield "median [least, most]"
    for (step, label, setting), both in pairs.items():
        yield f"{step}: {label}{', ' if setting else ''}{setting}{_lack(both, rounds)}"
        for name in SHOWN:
            if all(here.get(name) and there.get(name) for here, there in both):
                yield f"  {name}: {_ratio(name, both)}"


def _ratio(name: str, both: list[tuple[Figures, Figures]]) -> str:
    ratios = [here[name] / there[name] for here, there in both]
    here, there = (
        statistics.median(each[name] for each in side) for side in zip(*both, strict=True)
    )
    middle, least, most = statistics.median(ratios), min(ratios), max(ratios)
    words = f"{here:.4g} to {there:.4g}: {here / there:.3f}"
    return f"{words}; {middle:.3f} [{least:.3f}, {most:.3f}]"


def _lack(both: list[Any], rounds: list[Any]) -> str:
    return "" if len(both) == len(rounds) else f" ({len(both)} of {len(rounds)} rounds worked)"


def _measurements(results: Figures) -> dict[Key, Figures]:
    """One for each step, label and setting."""
    return {
        (f"{step} {figures['latency']:g} s", figures["label"], figures["setting"]): _flat(figures)
        for step, rows in results.items()
        if isinstance(rows, list)
        for figures in rows
        if "latency" in figures
    }


def _flat(figures: Figures) -> Figures:
    """With those of the web server, which come in groups, as `group.name`."""
    groups = [(name, value) for name, value in figures.items() if isinstance(value, dict)]
    inner = {f"{name}.{key}": each for name, group in groups for key, each in group.items()}
    return {**figures, **inner}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.against", description=__doc__)
    parser.add_argument("commit")
    parser.add_argument("--steps", default=STEPS, help=f"Of `python -m bench`; else {STEPS}.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--paced-rate", type=float, default=0.0, help="As of `python -m bench`.")
    parser.add_argument("--quick", action="store_true", help="Small backlogs.")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

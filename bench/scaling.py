"""`python -m bench.scaling`: ours alone, against calls in flight, processes, rows in the table, and
rows that wait.

Writes `bench/scaling.json` and the plots of docs/performance.md (matplotlib, of the bench alone).
`throughput`, `tables` or `backlog` as argument makes that part anew and keeps the others.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import matplotlib

from bench.host import Host
from bench.options import ROOT, Run

matplotlib.use("svg")
from matplotlib import pyplot

IN_FLIGHT = (50, 100, 200, 400, 700, 1000)
"""Of all processes together, at 1 s of latency."""

PROCESSES = (1, 2)
ROWS = (1_000, 100_000, 1_000_000)
WAVES = 6
"""Of a backlog: so often each slot is filled."""

RESULTS = ROOT / "bench" / "scaling.json"
IMAGES = ROOT / "docs" / "images"


def main(*parts: str) -> None:
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    with Host() as host:
        for part in parts or PARTS:
            results[part] = list(PARTS[part](host))
            RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    draw(results)


def _all_throughputs(host: Host) -> Iterator[dict[str, Any]]:
    for processes in PROCESSES:
        for in_flight in IN_FLIGHT:
            yield _throughput(host, in_flight, processes)


def _all_tables(host: Host) -> Iterator[dict[str, Any]]:
    for sqlite in (False, True):
        for rows in ROWS:
            yield _of_rows("bench.tables", host, rows, sqlite=sqlite)


def _all_backlogs(host: Host) -> Iterator[dict[str, Any]]:
    for sqlite in (False, True):
        for rows in ROWS:
            yield _of_rows("bench.backlog", host, rows, sqlite=sqlite)


PARTS = {"throughput": _all_throughputs, "tables": _all_tables, "backlog": _all_backlogs}


def _throughput(host: Host, in_flight: int, processes: int) -> dict[str, Any]:
    run = Run("ours", 1.0, WAVES * in_flight, in_flight // processes, processes=processes)
    figures = host.measure(run)
    _say(f"{processes} x {in_flight // processes}: {figures['rate_middle']}/s")
    return {"in_flight": in_flight, "workers": processes, **figures}


def _of_rows(module: str, host: Host, rows: int, *, sqlite: bool) -> dict[str, Any]:
    with host.database(sqlite=sqlite) as run:
        ended = subprocess.run(  # noqa: S603  (our own command line)
            [sys.executable, "-m", module, str(rows)],
            cwd=ROOT,
            env=run.environment(),
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    figures: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    database = "SQLite" if sqlite else "PostgreSQL"
    times = {name: value for name, value in figures.items() if name.endswith("_ms")}
    _say(f"{database}, {rows} rows: {times}")
    return {"database": database, **figures}


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def draw(results: dict[str, Any]) -> None:
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for processes in PROCESSES:
        of = [each for each in results["throughput"] if each["workers"] == processes]
        axes.plot(
            [each["in_flight"] for each in of],
            [each["rate_middle"] for each in of],
            marker="o",
            label=f"{processes} process{'es' if processes > 1 else ''}",
        )
    axes.plot(IN_FLIGHT, IN_FLIGHT, linestyle=":", color="grey", label="ceiling: in flight / 1 s")
    axes.set(xlabel="calls in flight", ylabel="operations/s", title="1 s latency, PostgreSQL")
    axes.legend()
    _save(figure, "scaling-throughput.svg")

    figure, axes = pyplot.subplots(figsize=(7, 4))
    for database in ("PostgreSQL", "SQLite"):
        of = [each for each in results["tables"] if each["database"] == database]
        for name, style in (("claim_ms", "-"), ("claim_from_backlog_ms", "--"), ("get_ms", ":")):
            axes.plot(
                [each["rows"] for each in of],
                [each[name] for each in of],
                linestyle=style,
                marker="o",
                label=f"{database}: {name.removesuffix('_ms').replace('_', ' ')}",
            )
    axes.set(xscale="log", xlabel="rows in the table", ylabel="ms", ylim=(0, None))
    axes.set_title("claim of 25 operations, GET of one")
    axes.legend(fontsize="small", loc="lower right", ncols=2)
    _save(figure, "scaling-tables.svg")


def _save(figure: Any, name: str) -> None:
    figure.tight_layout()
    figure.savefig(IMAGES / name, metadata={"Date": None})
    pyplot.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:])

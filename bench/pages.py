"""How long the server takes for each page of a person who has practised ten thousand times.

`python -m bench.pages` fills a SQLite file and a PostgreSQL of its own up to 100 practices of one
person and measures, then up to 10,000, and prints a table; `--only sqlite` leaves PostgreSQL out.
It needs the product alone, none of the peers.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from bench.options import ROOT, Run
from bench.services import BenchPostgreSQL

COUNTS = (100, 10_000)
Figures = dict[str, dict[str, dict[str, float]]]
"""By count of practices and page."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--only", choices=DATABASES, help="One database of the two.")
    only = parser.parse_args().only
    figures = {}
    for name in [only] if only else DATABASES:
        with DATABASES[name]() as url:
            figures[name] = _measured(url)
    print("\n".join(_table(figures)))


@contextlib.contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        yield f"sqlite:///{directory}/pages.sqlite3"


@contextlib.contextmanager
def _postgresql() -> Iterator[str]:
    with BenchPostgreSQL() as server:
        server.execute("CREATE DATABASE pages")
        yield server.url("pages")


DATABASES = {"sqlite": _sqlite, "postgresql": _postgresql}


def _measured(url: str) -> Figures:
    run = Run("ours", 0, 0, 1, database_url=url, stub_port=9)
    ended = subprocess.run(  # noqa: S603  (our own command line)
        [sys.executable, "-m", "bench.page_times", *map(str, COUNTS)],
        cwd=ROOT,
        env={
            **os.environ,
            **run.product_environment(),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        text=True,
    )
    figures: Figures = json.loads(ended.stdout.splitlines()[-1])
    return figures


def _table(figures: dict[str, Figures]) -> Iterator[str]:
    columns = [(name, count) for name, of in figures.items() for count in of]
    heads = [f"{name}, {int(count):,}" for name, count in columns]
    yield f"| p50, ms | {' | '.join(heads)} | queries | kB |"
    yield "| --- |" + " --- |" * (len(columns) + 2)
    for page in next(iter(next(iter(figures.values())).values())):
        cells = [figures[name][count][page] for name, count in columns]
        queries = sorted({int(each["queries"]) for each in cells})
        words = " | ".join(_time(each) for each in cells)
        size = max(each["bytes"] for each in cells) / 1000
        yield f"| {page} | {words} | {' to '.join(map(str, queries))} | {size:.0f} |"


def _time(cell: dict[str, Any]) -> str:
    return f"{cell['wall_ms']:.0f} ({cell['processor_ms']:.0f})"


if __name__ == "__main__":
    main()

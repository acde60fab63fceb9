"""Figures as lines for a terminal and as the page docs/chaos.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from chaos.figures import Figures
from chaos.options import LEASE_SECONDS

Row = tuple[str, Callable[[Figures], object]]

ROWS: tuple[Row, ...] = (
    ("seed", lambda f: f.seed),
    ("seconds of storm", lambda f: f"{f.seconds:g}"),
    ("signals that arrived", lambda f: f.signal_count),
    ("faults of the surroundings that somebody met", lambda f: sum(f.faults_met.values())),
    (
        "starts of the supervisor, of the web server",
        lambda f: f"{f.supervisor_starts}, {f.web_starts}",
    ),
    ("cluster restarts by the supervisor", lambda f: counts(f.cluster_restarts)),
    ("longest time without a living drain, s", lambda f: f.longest_without_drain_seconds),
    ("operations", lambda f: f.operations),
    ("completed without help", lambda f: f.completed_by_itself),
    ("ended otherwise", lambda f: counts(f.ended_otherwise)),
    ("completed after a person's retry", lambda f: f.completed_in_the_end),
    ("attempts", lambda f: f.attempts),
    ("calls at the provider", lambda f: f.calls),
    ("possibly paid twice", lambda f: f.possibly_paid_twice),
    ("operations taken back from a worker", lambda f: f.rescues),
    ("stale writes that came, all refused", lambda f: f.stale_writes_refused),
    ("answers confirmed with 201, all stored word for word", lambda f: f.answers_confirmed),
    ("requests sent again with their key", lambda f: f.requests_repeated),
    ("looks at the live invariants", lambda f: f.live_looks),
    ("everything final after, s", lambda f: f"{f.settled_seconds:g} of {f.settle_limit_seconds:g}"),
    ("violations", lambda f: len(f.violations)),
    ("verdict", lambda f: "green" if f.is_green else "RED"),
)

INTRODUCTION = f"""\
Written by `make chaos`. Signals hit supervisor, cluster main process, sentinel, drains, spare
worker, pusher, monitor, web server and its workers at random, while operations are submitted and
answers are typed through the web API: SIGKILL, and SIGSTOP with SIGCONT later, half of them after
more than the lease of {LEASE_SECONDS:g} s. Database and broker are private; `infrastructure`
campaigns hurt them too, one fault after the other: PostgreSQL is stopped at once, fails over to
read-only, has no connection left, is locked, or has a full disk (simulated: a trigger says what the
server says when a file cannot grow); the way to it is slow (by a proxy of our own); Redis is killed
without persistence, hangs, is out of memory, or is flushed; PgBouncer, which pools by the
transaction, is killed; SQLite is locked. Limits are on, as they are by default. `pause` campaigns
stop drains until their work has been taken over, and wake them when the answers are there."""

AGAIN = """\
`make chaos` for all of it,
`.venv/bin/python -m chaos --campaign kill --backend postgres --seconds 60 --seed 7` for one."""

WHAT_IS_PROVED = """\
After each campaign the rows are held against these invariants (`chaos/invariants.py`, which
restates the state machine and trusts no code of the engine): a completed operation has exactly
one result, of its last fence, and nothing else has one (I1); an open attempt belongs to the run
that holds the operation (I2, also every half second during the campaign); the fence never falls
(I3); the events of an operation are a path of allowed transitions that ends where the row is
(I4); no lease is longer than a lease (I5, also during the campaign); everything is final within
the limit after the last signal (I6); calls at the provider are no more than the attempts that
were committed before them, and no fewer than the answers (I7); attempts are numbered without a
gap and counted right (I8). Further: one succeeded attempt for each completed operation, losses as
told by the events, tokens that add up, metrics that agree with the rows, every submitted
operation there, every confirmed answer stored word for word, once, with its analysis; no process
of a dead supervisor lives on, nothing is left after an orderly stop.
`operations/tests/test_chaos.py` seeds a violation for every check and runs a short campaign in
the suite.

A campaign in which no lease was lost, no stale write was refused, or no answer was confirmed is
red: it would prove nothing. So is one with a fault of the surroundings that was not there when it
was looked for as the product would, or that nobody met. `WORKER_LOST` is the fourth loss of a
worker in one run: with a signal every half second that is bad luck, not poison, and a person's
retry completes it. The other codes under "ended otherwise" are faults that the provider was told
to play."""

WHAT_IS_NOT_PROVED = """\
- **Power loss.** `kill -9` leaves what was written in the kernel's cache. Commits wait for the
  disk (`synchronous=FULL`, PostgreSQL's `fsync`), but a disk that lies about it was not tested.
- **A disk that is really full**, failing disks, and SQLite on a network file system (which is not
  supported).
- **Several machines**: one host, one clock, loopback without a partition.
- **That the provider is paid once.** A call whose worker died may be sent again; every such
  attempt is counted as possibly paid twice, above and in the metrics.
- **Another schedule.** A seed repeats the plan of signals, not the machine's scheduling. A green
  run is evidence, not a proof; the state machine has an exhaustive model check of its own."""


def lines(figures: Figures) -> list[str]:
    """One line a figure, the verdict last."""
    shown = [f"{name}: {value}" for name, value in asdict(figures).items()]
    return [*shown, "GREEN" if figures.is_green else "RED"]


def page(all_figures: Sequence[Figures]) -> str:
    """The report of a long run."""
    return "\n".join(
        [
            "# Kill campaigns",
            "",
            INTRODUCTION,
            "",
            f"{machine()}, {datetime.now(UTC):%Y-%m-%d}.",
            "",
            f"**{summary(all_figures)}**",
            "",
            *table(all_figures),
            "",
            "Signals and faults:",
            "",
            *signal_table(all_figures),
            "",
            "## What is checked",
            "",
            WHAT_IS_PROVED,
            "",
            "## What this does not prove",
            "",
            WHAT_IS_NOT_PROVED,
            "",
            "## Again",
            "",
            AGAIN,
            "",
        ]
    )


def summary(all_figures: Sequence[Figures]) -> str:
    signals = sum(figures.signal_count for figures in all_figures)
    operations = sum(figures.operations for figures in all_figures)
    refused = sum(figures.stale_writes_refused for figures in all_figures)
    answers = sum(figures.answers_confirmed for figures in all_figures)
    violations = sum(len(figures.violations) for figures in all_figures)
    return (
        f"{signals:,} signals, {operations:,} operations, {refused:,} stale writes refused,"
        f" {answers:,} confirmed answers; {violations} violations."
    )


def table(all_figures: Sequence[Figures]) -> list[str]:
    header = ["", *(f"{figures.kind}: {figures.backend}" for figures in all_figures)]
    rows = [[name, *(str(value(figures)) for figures in all_figures)] for name, value in ROWS]
    return _table(header, rows)


def signal_table(all_figures: Sequence[Figures]) -> list[str]:
    names = sorted({name for figures in all_figures for name in figures.signals})
    totals = [sum(figures.signals.get(name, 0) for figures in all_figures) for name in names]
    return _table(["signal", "arrived"], [[n, str(t)] for n, t in zip(names, totals, strict=True)])


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    marks = ["---", *("---:" for _ in header[1:])]
    return [f"| {' | '.join(cells)} |" for cells in (header, marks, *rows)]


def counts(values: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(values.items())) or "none"


def machine() -> str:
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory_gib:.0f} GiB,"
        f" {platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    for line in information.read_text().splitlines() if information.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()

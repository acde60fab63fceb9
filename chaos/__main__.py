"""Kill campaigns: `python -m chaos --seconds 60 --backend sqlite --seed 7`, or `--long` for all.

Every campaign has processes, a database, a broker, ports and a directory of its own, all on
loopback; it ends by itself and ends only what it started. Exit code 0: green, 1: red.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from chaos import report
from chaos.backends import BACKENDS
from chaos.figures import Figures
from chaos.options import ROOT, Options, environment, make_options

KINDS = ("kill", "infrastructure", "pause")

EXTRA_SECONDS = 360.0
"""For start, settling, retries, stop and checks, on top of the storm itself."""

LONG_RUN: tuple[tuple[str, str, float, int], ...] = (
    ("kill", "sqlite", 170.0, 101),
    ("kill", "postgres", 170.0, 102),
    ("kill", "redis", 170.0, 103),
    ("infrastructure", "sqlite", 50.0, 108),
    ("infrastructure", "postgres", 60.0, 104),
    ("infrastructure", "redis", 80.0, 105),
    ("infrastructure", "pooler", 60.0, 109),
    ("pause", "sqlite", 150.0, 106),
    ("pause", "postgres", 150.0, 107),
)


def main() -> int:
    options = _parser().parse_args()
    if options.long:
        return _run_all()
    seed = options.seed if options.seed is not None else random.randrange(1_000_000)  # noqa: S311
    figures = run_campaign(options.campaign, options.backend, options.seconds, seed)
    if options.json:
        print(figures.to_json())
    else:
        print("\n".join(report.lines(figures)))
    return 0 if figures.is_green else 1


def run_campaign(kind: str, backend: str, seconds: float, seed: int) -> Figures:
    """In a process of its own; its directory is kept where it was red."""
    directory = Path(tempfile.mkdtemp(prefix="chaos-"))
    # The unprivileged user that runs PostgreSQL has to get through to its own directory below.
    directory.chmod(0o755)
    options = make_options(
        backend=backend, kind=kind, seconds=seconds, seed=seed, directory=directory
    )
    print(f"chaos: {kind} on {backend}, {seconds:g} s, seed {seed}", file=sys.stderr)
    output = _output_of_campaign(options, seconds + EXTRA_SECONDS)
    figures = Figures.from_json(output.splitlines()[-1])
    if figures.is_green:
        shutil.rmtree(directory)
    else:
        print(f"chaos: red; rows and logs are in {directory}", file=sys.stderr)
    return figures


def _output_of_campaign(options: Options, seconds: float) -> str:
    """Whatever ends this process asks the campaign to end what it started, and waits for it."""
    with (
        (Path(options.directory) / "campaign.log").open("w") as log,
        subprocess.Popen(  # noqa: S603  (our own command line)
            [sys.executable, "-m", "chaos.campaign", options.to_json()],
            cwd=ROOT,
            env=environment(options),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as campaign,
    ):
        try:
            output, _ = campaign.communicate(timeout=seconds)
        finally:
            campaign.terminate()
    if campaign.returncode:
        raise SystemExit(f"the campaign itself failed: see {log.name}")
    return output


def _run_all() -> int:
    """The page is written after each campaign: a run that is broken off leaves what it has."""
    all_figures: list[Figures] = []
    for kind, backend, seconds, seed in LONG_RUN:
        figures = run_campaign(kind, backend, seconds, seed)
        print("\n".join(report.lines(figures)), file=sys.stderr)
        all_figures.append(figures)
        (ROOT / "docs" / "chaos.md").write_text(report.page(all_figures))
    return 0 if all(figures.is_green for figures in all_figures) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--campaign", choices=KINDS, default="kill")
    parser.add_argument("--backend", choices=tuple(BACKENDS), default="sqlite")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, help="Repeats a plan of signals; else one is drawn.")
    parser.add_argument("--json", action="store_true", help="Figures as one JSON object.")
    parser.add_argument("--long", action="store_true", help="All campaigns; writes docs/chaos.md.")
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    raise SystemExit(main())

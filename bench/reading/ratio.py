"""`python -m bench.reading.ratio [NAME…]`: what a file costs the reader now, to what it did before.

Runs both readers, in turn, as the product does (one process a file, its limits on), over the PDF
and Word files that `python -m bench.reading` has made, or those of the sources NAME. Prints the
median over the files of the ratios of processor time and of memory, and the machine's load.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench.reading.run import BEFORE, ROOT, Run, extract_before, run

FILES = ROOT / "bench" / "results" / "reading" / "files"
ENDINGS = (".pdf", ".docx")
TURNS = 2


def main() -> None:
    names = sys.argv[1:] or ["*"]
    paths = sorted(
        path for name in names for path in FILES.glob(f"{name}-*") if path.suffix in ENDINGS
    )
    if not paths:
        sys.exit("There are no such files: python -m bench.reading makes them.")
    with tempfile.TemporaryDirectory() as folder:
        before = extract_before(Path(folder))
        pairs = [_both(path, before) for path in paths]
    load = os.getloadavg()[0]
    print(f"{len(pairs)} files, {TURNS} turns each, load {load:.1f} on {os.cpu_count()} processors")
    for what, ratios in (
        ("processor time", [now.seconds / then.seconds for now, then in pairs]),
        ("memory at most", [now.megabytes / then.megabytes for now, then in pairs]),
    ):
        above = sum(ratio > 1 for ratio in ratios)
        print(
            f"{what}, now to {BEFORE}: median {median(ratios):.2f}, from {min(ratios):.2f}"
            f" to {max(ratios):.2f}; above 1 in {above} files"
        )


def _both(path: Path, before: Path) -> tuple[Run, Run]:
    """The cheapest of some turns: what disturbs a run only makes it dearer."""
    turns = [
        tuple(run(reader, path, Path(), before) for reader in ("ours", "before"))
        for _turn in range(TURNS)
    ]
    now, then = zip(*turns, strict=True)
    return min(now, key=lambda each: each.seconds), min(then, key=lambda each: each.seconds)


if __name__ == "__main__":
    main()

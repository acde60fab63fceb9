"""`python -m bench.reading`: makes the files, runs every reader on each, writes docs/resumes.md.

    --install        builds the environment of the tools first (network, some minutes)
    --only NAMES     of the sources; rows of the others stay as they were
    --readers NAMES  of the readers; what the others found stays as it was

Needs chromium, node with npm, pandoc, soffice, pdftotext, pdflatex and lualatex on the path; what a
missing one would have made is named in the page. Files and environment: bench/results/reading/.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.reading.facts import Facts, score
from bench.reading.makers import HERE, Workshop
from bench.reading.page import write_page
from bench.reading.run import READERS, ROOT, extract_before, run

WORK = ROOT / "bench" / "results" / "reading"
SOURCES = {
    "ines": "tuned",
    "joerg": "tuned",
    "maeve": "tuned",
    "tomasz": "tuned",
    "elodie": "fresh",
}
RESULTS = HERE / "results.json"


def main() -> None:
    options = _options()
    environment = WORK / "environment"
    if options.install:
        _install(environment)
    (WORK / "files").mkdir(parents=True, exist_ok=True)
    workshop = Workshop(environment, WORK / "files")
    before = extract_before(WORK / "before")
    earlier = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {"rows": []}
    rows = {row["file"]: row for row in earlier["rows"]}
    with ThreadPoolExecutor(options.at_a_time) as pool:
        for name in options.only:
            made = list(workshop.make(HERE / "sources" / f"{name}.json"))
            jobs = [
                pool.submit(_row, path, tool, facts, options.readers, environment, before)
                for path, tool, facts in made
            ]
            for job in jobs:
                row = job.result()
                known = rows.get(row["file"], {"readers": {}})["readers"]
                rows[row["file"]] = {**row, "readers": known | row["readers"]}
                _keep(rows, workshop.failed)
                print(row["file"], row["readers"].get("ours"), flush=True)
    write_page(_keep(rows, workshop.failed))


def _keep(rows: dict[str, dict[str, Any]], not_made: list[str]) -> dict[str, Any]:
    """After each file: a run takes long, and one that was ended is no reason to begin again."""
    for row in rows.values():
        row["set"] = SOURCES[row["file"].split("-")[0]]
    results = {"rows": list(rows.values()), "not_made": not_made}
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return results


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(SOURCES))
    parser.add_argument("--readers", type=lambda text: text.split(","), default=[])
    parser.add_argument("--at-a-time", type=int, default=2)
    return parser.parse_args()


def _install(environment: Path) -> None:
    environment.mkdir(parents=True, exist_ok=True)
    venv = environment / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin" / "pip"), "install", "--quiet", "-r", str(HERE / "requirements.txt")]
    subprocess.run(pip, check=True)
    (environment / "package.json").write_text((HERE / "package.json").read_text())
    subprocess.run(["npm", "install", "--no-audit", "--no-fund"], check=True, cwd=environment)


def _row(
    path: Path, tool: str, facts: Facts, readers: list[str], environment: Path, before: Path
) -> dict[str, Any]:
    found = {}
    for reader in READERS[path.suffix]:
        if readers and reader not in readers:
            continue
        done = run(reader, path, environment, before)
        result = score(done.text, facts)
        found[reader] = {
            "facts": result.facts,
            "bullets": result.bullets,
            "lost_words": result.lost_words,
            "junk": result.junk,
            "seconds": round(done.seconds, 2),
            "megabytes": round(done.megabytes),
            "missing": result.missing if reader == "ours" else [],
        }
    return {
        "file": path.name,
        "tool": tool,
        "of_facts": len(facts.all),
        "of_bullets": sum(map(len, facts.jobs.values())),
        "readers": found,
    }


if __name__ == "__main__":
    main()

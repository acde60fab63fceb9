"""`python -m bench.reading.entries`: are the right employer, title and dates found in each file?

Reads the files that `python -m bench.reading` has made, by the product's own reader and rules. An
entry of the source is asked for where its name stands in the text that was read; a title or a start
year only where it stands there too. `--verbose` names what is missing.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.reading.facts import normal
from bench.reading.run import ROOT
from interview_app.outline.entry import Entry
from interview_app.outline.rules import entries_of
from interview_app.resume_parser import READERS, read_file

FILES = ROOT / "bench" / "results" / "reading" / "files"
SOURCES = Path(__file__).with_name("sources")
# Section of the source: ours, and the keys of employer and title.
KEYS = {
    "work": ("experience", "name", "position"),
    "volunteer": ("volunteering", "organization", "position"),
    "education": ("education", "institution", "area"),
    "projects": ("projects", "", "name"),
}
NOW = ("now", "present", "heute", "today", "current", "since", "seit")


def main() -> None:
    totals: dict[str, Counter[str]] = {}
    for source in sorted(SOURCES.glob("*.json")):
        resume = json.loads(source.read_text("utf-8"))
        for path in sorted(FILES.glob(f"{source.stem}-*.*")):
            kind = path.suffix.removeprefix(".")
            if kind in READERS and kind not in ("html", "txt"):
                text = read_file(kind, path.read_bytes()).text
                counts = counted(resume, text, entries_of(text), path.name)
                totals.setdefault(source.stem, Counter()).update(counts)
                totals.setdefault("all", Counter()).update(counts)
    print("| source | files | entries | employer | title | dates | all right | too many |")
    print("| --- " * 8 + "|")
    for name, counts in totals.items():
        shares = " | ".join(
            _share(counts, what) for what in ("employer", "title", "dates", "whole")
        )
        print(
            f"| {name} | {counts['files']} | {counts['of_whole']} | {shares} |"
            f" {counts['spurious']} |"
        )


def _share(counts: Counter[str], what: str) -> str:
    of = counts[f"of_{what}"]
    return f"{100 * counts[what] / of:.1f} % ({counts[what]} of {of})" if of else "-"


def counted(resume: dict[str, Any], text: str, found: list[Entry], name: str) -> Counter[str]:
    counts = Counter(files=1)
    shown = normal(text)
    left = [entry for entry in found if entry.section != "skills"]
    for section, wanted, dates in _wanted(resume):
        if not all(normal(each) in shown for each in wanted.values()):
            continue
        best = max(left, key=lambda entry: len(_right(entry, wanted, dates)), default=None)
        right = _right(best, wanted, dates) if best else set()
        asked = {*wanted, *(["dates"] if dates[0] in shown else [])}
        if best and right & set(wanted):
            left.remove(best)
        counts.update({f"of_{what}": 1 for what in (*asked, "whole")})
        counts.update(dict.fromkeys(asked & right, 1))
        counts["whole"] += asked <= right
        if not asked <= right and "--verbose" in sys.argv:
            print(f"{name}: {section} {wanted} {dates}, not {asked - right}: {best}")
    if left and "--verbose" in sys.argv:
        print(f"{name}: too many: {left}")
    counts["spurious"] = len(left)
    return counts


def _wanted(resume: dict[str, Any]) -> Iterator[tuple[str, dict[str, str], tuple[str, str]]]:
    for key, (section, employer, title) in KEYS.items():
        for each in resume[key]:
            wanted = {"title": each[title]} | ({"employer": each[employer]} if employer else {})
            yield section, wanted, (each["startDate"][:4], each.get("endDate", "")[:4])


def _right(entry: Entry, wanted: dict[str, str], dates: tuple[str, str]) -> set[str]:
    right = {what for what, text in wanted.items() if normal(getattr(entry, what)) == normal(text)}
    if "title" in wanted and entry.section == "education" and wanted["title"] in entry.title:
        right.add("title")  # beside the kind of degree
    written = entry.dates.casefold()
    ends = (dates[1],) if dates[1] else NOW
    if not dates[1] and written.endswith(("–", "-", "—")):
        ends = ("",)
    one = entry.section == "education" and len(written) == 4
    if dates[0] in written and (one or any(end in written for end in ends)):
        right.add("dates")
    return right


if __name__ == "__main__":
    main()

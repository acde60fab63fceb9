"""Writes what came out into docs/resumes.md, between its marks."""

from __future__ import annotations

import json
from statistics import median
from typing import Any

from bench.reading.run import READERS, ROOT

PAGE = ROOT / "docs" / "resumes.md"
BEGIN, END = "<!-- bench -->\n", "<!-- /bench -->\n"
FIRST_RUN = ROOT / "bench" / "reading" / "first_run.json"
Row = dict[str, Any]


def write_page(results: dict[str, Any]) -> None:
    text = PAGE.read_text("utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(before + BEGIN + "\n".join(_sections(results)) + "\n" + END + after, "utf-8")


def _sections(results: dict[str, Any]) -> list[str]:
    rows = results["rows"]
    lines = _summary(rows) + _costs(rows) + _worse(rows)
    for ending, readers in READERS.items():
        kind = [row for row in rows if row["file"].endswith(ending)]
        lines += ["", f"### {ending}", "", *_table(kind, readers)]
    if results["not_made"]:
        lines += ["", "Not made, and so in no row: " + "; ".join(results["not_made"])]
    return lines


def _summary(rows: list[Row]) -> list[str]:
    lines = [
        f"{len(rows)} files. Facts found whole, bullets under their own job:",
        "",
        "| files | facts | bullets |",
        "| --- | --- | --- |",
    ]
    for name, chosen in (
        ("all", rows),
        ("tuned on", [row for row in rows if row["set"] == "tuned"]),
        ("fresh", [row for row in rows if row["set"] == "fresh"]),
    ):
        lines.append(
            f"| {name} ({len(chosen)}) | {_share(chosen, 'facts')} | {_share(chosen, 'bullets')} |"
        )
    for name, first in json.loads(FIRST_RUN.read_text("utf-8")).items():
        shares = f"{first['facts']} | {first['bullets']}"
        lines.append(f"| first run of {name} ({first['files']}) | {shares} |")
    return lines


def _share(rows: list[Row], what: str, reader: str = "ours") -> str:
    rows = [row for row in rows if reader in row["readers"]]
    found = sum(row["readers"][reader][what] for row in rows)
    whole = sum(row[f"of_{what}"] for row in rows)
    return f"{100 * found / whole:.2f} % ({found} of {whole})"


def _costs(rows: list[Row]) -> list[str]:
    lines = [
        "",
        "| reader | files | facts | bullets | words lost | junk | s | MB |",
        "| --- " * 8 + "|",
    ]
    for reader in dict.fromkeys(each for readers in READERS.values() for each in readers):
        read = [row["readers"][reader] for row in rows if reader in row["readers"]]
        lines.append(
            f"| {reader} | {len(read)} | {_share(rows, 'facts', reader)} |"
            f" {_share(rows, 'bullets', reader)} | {sum(each['lost_words'] for each in read)} |"
            f" {sum(each['junk'] for each in read)} |"
            f" {median(each['seconds'] for each in read):.2f} |"
            f" {median(each['megabytes'] for each in read):.0f} |"
        )
    both = [row["readers"] for row in rows if "before" in row["readers"]]
    for what, unit in (("seconds", "processor time"), ("megabytes", "memory at most")):
        ratio = median(each["ours"][what] / each["before"][what] for each in both)
        lines.append(f"\nOurs to before, {unit}, median of {len(both)} files: {ratio:.2f}.")
    return lines


def _worse(rows: list[Row]) -> list[str]:
    """Rows where another reader finds more."""
    lines = ["", "Where another reader finds more than ours:", ""]
    for row in rows:
        ours = row["readers"]["ours"]
        better = [
            f"{name} ({each['facts']} facts, {each['bullets']} bullets)"
            for name, each in row["readers"].items()
            if each["facts"] > ours["facts"] or each["bullets"] > ours["bullets"]
        ]
        if better:
            lines.append(
                f"- {row['file']}: {', '.join(better)}; ours {ours['facts']} of {row['of_facts']},"
                f" {ours['bullets']} of {row['of_bullets']}. Missing: {'; '.join(ours['missing'])}"
            )
    return lines if len(lines) > 3 else ["", "No row where another reader finds more than ours."]


def _table(rows: list[Row], readers: tuple[str, ...]) -> list[str]:
    lines = [
        "Each cell: facts, bullets.",
        "",
        f"| file | made with | of | {' | '.join(readers)} |",
        "| --- " * (len(readers) + 3) + "|",
    ]
    for row in rows:
        cells = [_cell(row["readers"].get(name)) for name in readers]
        fresh = " (fresh)" if row["set"] == "fresh" else ""
        lines.append(
            f"| {row['file']}{fresh} | {row['tool']} | {row['of_facts']}, {row['of_bullets']} |"
            f" {' | '.join(cells)} |"
        )
    return lines


def _cell(found: dict[str, Any] | None) -> str:
    return f"{found['facts']}, {found['bullets']}" if found else "not run"

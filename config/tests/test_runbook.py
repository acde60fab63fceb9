"""Whatever rings has a line in docs/runbook.md, and each error code a paragraph for operators."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

from operations.console.conditions import REMEDIES
from operations.errors import RULES

ROOT = Path(settings.BASE_DIR)
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, list[str]]:
    """Cells by each name in backquotes of the first one."""
    section = RUNBOOK.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:3] == "| `"]
    return {name: cells for cells in lines for name in re.findall(r"`(\w+)`", cells[0])}


def test_each_alert_of_prometheus_says_where_to_look_and_what_to_do() -> None:
    rules = (ROOT / "deploy" / "prometheus" / "rules.yml").read_text(encoding="utf-8")
    found = rows("From Prometheus")

    assert set(found) == set(re.findall(r"alert: (\w+)", rules))
    assert [name for name, cells in found.items() if len(cells) != 3 or not all(cells)] == []


def test_each_condition_of_the_installation_has_a_line() -> None:
    assert set(rows("From the installation")) == set(REMEDIES)


def test_each_error_code_has_a_paragraph_for_operators() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    paragraphs = dict(re.findall(r"^\*\*`(\w+)`\*\*\n(.*?)(?=^\*\*`|^#|\Z)", page, re.M | re.S))

    assert set(paragraphs) == set(RULES)
    assert [code for code, text in paragraphs.items() if "- Operator: " not in text] == []


def test_what_it_leads_to_is_there() -> None:
    links = re.findall(r"\]\((\w+\.md)(?:#([\w-]+))?\)", RUNBOOK)

    for name, anchor in links:
        page = (ROOT / "docs" / name).read_text(encoding="utf-8")
        headings = {
            re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
            for title in re.findall(r"^#+ (.+)$", page, re.MULTILINE)
        }
        assert not anchor or anchor in headings, (name, anchor)
    assert len(links) >= 4

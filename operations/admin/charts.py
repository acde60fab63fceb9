"""The page of the charts: how operations ended over the last hour, day and week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from operations.admin import drawing
from operations.admin.drawing import Bar
from operations.console import history
from operations.console.history import Stretch

TITLES = {"1h": "The last hour", "24h": "The last 24 hours", "7d": "The last 7 days"}
CLOCKS = {"1h": "%H:%M", "24h": "%a %H:%M", "7d": "%a %d %b, %H:%M"}
STEPS = {"1h": "2 minutes", "24h": "hour", "7d": "6 hours"}


@dataclass(frozen=True)
class Row:
    begin: str
    completed: int
    failed: int
    categories: str


@dataclass(frozen=True)
class Chart:
    title: str
    step: str
    completed: int
    failed: int
    highest: int
    """Of what ended in one step."""
    bars: list[Bar]
    begin: str
    end: str
    """Of the first and the last step: their begins."""
    rows: list[Row]
    """Of the steps in which anything ended, the newest first."""


def charts() -> list[Chart]:
    return [_chart(name, found) for name, found in history.endings().items()]


def _chart(name: str, stretches: Sequence[Stretch]) -> Chart:
    clock = CLOCKS[name]
    return Chart(
        title=TITLES[name],
        step=STEPS[name],
        completed=sum(each.completed for each in stretches),
        failed=sum(each.failed for each in stretches),
        highest=max(each.completed + each.failed for each in stretches),
        bars=drawing.throughput_bars(stretches, clock),
        begin=f"{stretches[0].at:{clock}}",
        end=f"{stretches[-1].at:{clock}}",
        rows=[_row(each, clock) for each in reversed(stretches) if each.completed or each.failed],
    )


def _row(stretch: Stretch, clock: str) -> Row:
    categories = (f"{category} {count}" for category, count in stretch.by_category.most_common())
    return Row(
        f"{stretch.at:{clock}}", stretch.completed, stretch.failed, ", ".join(categories) or "–"
    )

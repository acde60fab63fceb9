"""Figures as lines for a terminal and as the page docs/chaos.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from chaos.figures import Figures


def lines(figures: Figures) -> list[str]:
    """One line a figure, the verdict last."""
    shown = [f"{name}: {value}" for name, value in asdict(figures).items()]
    return [*shown, "GREEN" if figures.is_green else "RED"]


def page(all_figures: Sequence[Figures]) -> str:
    return ""

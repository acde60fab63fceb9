"""Scores as a line: coordinates for an SVG that the page draws without a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

WIDTH, HEIGHT, MARGIN = 320, 88, 8
LOWEST, HIGHEST = 1, 5


@dataclass(frozen=True)
class Line:
    """`path`: the `points` of a polyline. `dots`: the same as pairs of x and y, for circles."""

    dots: list[tuple[float, float]]

    @property
    def path(self) -> str:
        return " ".join(f"{x},{y}" for x, y in self.dots)


def line_of(scores: Sequence[Decimal]) -> Line:
    """Of scores from 1 to 5, in their order at equal distances; a single one stands at the left."""
    step = (WIDTH - 2 * MARGIN) / max(1, len(scores) - 1)
    return Line(
        [(round(MARGIN + number * step, 1), y_of(score)) for number, score in enumerate(scores)]
    )


def y_of(score: Decimal | float) -> float:
    """SVG counts from above."""
    share = (float(score) - LOWEST) / (HIGHEST - LOWEST)
    return round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN), 1)


GRID = [y_of(score) for score in range(LOWEST, HIGHEST + 1)]

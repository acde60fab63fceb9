"""Figures of many measurements."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def percentiles(name: str, milliseconds: Sequence[float]) -> dict[str, float]:
    """Their median, slowest hundredth and worst, under the names of `results.json`."""
    cuts = statistics.quantiles(milliseconds, n=100, method="inclusive")
    return {
        f"{name}_p50_ms": round(cuts[49], 1),
        f"{name}_p99_ms": round(cuts[98], 1),
        f"{name}_worst_ms": round(max(milliseconds), 1),
    }

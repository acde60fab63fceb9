"""What calls are expected to cost, for who is about to ask for them. Read from rows that a
supervisor keeps (`operations.workers.estimating`): one statement, and no prices here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from operations.database.written_once import WrittenOnce
from operations.models import CallEstimate
from operations.spending import total_usd

_ALL = WrittenOnce(CallEstimate.objects.all)
"""One row a kind."""


@dataclass(frozen=True)
class Estimate:
    """Of several calls together."""

    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    """None where a price is unknown; never 0 for unknown."""
    simulated: bool
    measured: bool
    """Whether each kind was measured here; else it is taken from the sizes of prompts."""

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


def estimate_of(calls: Mapping[str, int]) -> Estimate | None:
    """Of so many calls of each kind. None while no supervisor has worked all of them out."""
    rows = {row.kind: row for row in _ALL() if row.kind in calls}
    if rows.keys() != calls.keys():
        return None
    counted = [(count, rows[kind]) for kind, count in calls.items()]
    return Estimate(
        calls=sum(calls.values()),
        input_tokens=sum(count * row.input_tokens for count, row in counted),
        output_tokens=sum(count * row.output_tokens for count, row in counted),
        cost_usd=total_usd(
            None if row.cost_usd is None else row.cost_usd * count for count, row in counted
        ),
        simulated=any(row.simulated for _, row in counted),
        measured=all(row.measured for _, row in counted),
    )

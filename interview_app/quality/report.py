"""What was measured, with which model, server, prompts and rubrics; as data and as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

from interview_app.quality.asking import QUESTIONS, Trial
from interview_app.quality.checks import Check

MOST_NAMED = 5


@dataclass(frozen=True)
class Report:
    server: str
    model: str
    simulated: bool
    prompts: tuple[str, ...]
    runs: int
    seconds: float
    left_out: int
    """Calls of the golden set that a limit left out."""
    trials: Sequence[Trial]
    checks: Sequence[Check]

    @property
    def broken(self) -> list[Check]:
        return [each for each in self.checks if each.verdict == "broken"]

    @property
    def unmeasured(self) -> list[Check]:
        return [each for each in self.checks if each.verdict == "not measured"]

    @property
    def rubrics(self) -> list[str]:
        return sorted({t.analysis.rubric_version for t in self.trials if t.analysis})

    @property
    def cost_usd(self) -> Decimal | None:
        """Unknown as soon as one call's is."""
        costs = [each.cost_usd for each in self.trials if not each.error_code or each.model]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if known and len(known) == len(costs) else None

    def data(self) -> dict[str, Any]:
        answered = [each.seconds for each in self.trials if each.model]
        return {
            "server": self.server,
            "model": self.model,
            "answered_by": sorted({each.model for each in self.trials if each.model}),
            "simulated": self.simulated,
            "prompts": list(self.prompts),
            "rubrics": self.rubrics,
            "answers": len({each.name for each in self.trials if each.sort != QUESTIONS}),
            "runs": self.runs,
            "calls": len(self.trials),
            "left_out": self.left_out,
            "failures": dict(Counter(t.error_code for t in self.trials if t.error_code)),
            "input_tokens": sum(each.input_tokens for each in self.trials),
            "output_tokens": sum(each.output_tokens for each in self.trials),
            "cost_usd": None if self.cost_usd is None else str(self.cost_usd),
            "seconds": round(self.seconds, 1),
            "median_call_seconds": round(median(answered), 2) if answered else None,
            "checks": [_check_data(each) for each in self.checks],
            "broken": [each.name for each in self.broken],
            "not_measured": [each.name for each in self.unmeasured],
        }

    def table(self) -> str:
        """Markdown, as it goes into docs/quality.md."""
        data = self.data()
        cost = "unknown" if data["cost_usd"] is None else f"{data['cost_usd']} USD"
        failures = ", ".join(f"{code} {count}" for code, count in data["failures"].items())
        head = [
            f"Model `{self.model}` at `{self.server}`, prompts {', '.join(self.prompts)},"
            f" rubrics {', '.join(self.rubrics) or 'none'}.",
            f"{data['answers']} answers, {self.runs} runs, {data['calls']} calls"
            f" ({self.left_out} left out), {data['seconds']} s, median of a call"
            f" {data['median_call_seconds']} s, {data['input_tokens']} + {data['output_tokens']}"
            f" tokens, cost {cost}. Failures: {failures or 'none'}.",
            "",
            "| check | of | holds | wanted | verdict | broken in |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        return "\n".join([*head, *map(_row, self.checks)])


def _row(check: Check) -> str:
    share = "–" if check.share is None else f"{check.share:.0%}"
    more = len(check.broken) - MOST_NAMED
    named = ", ".join(check.broken[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    side = "guard" if check.is_guard else "provider"
    return (
        f"| `{check.name}` ({side}): {check.says} | {check.of} | {share} | {check.wanted:.0%}"
        f" | {check.verdict} | {named} |"
    )


def _check_data(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "says": check.says,
        "guard": check.is_guard,
        "wanted": check.wanted,
        "share": check.share,
        "held": check.held,
        "of": check.of,
        "verdict": check.verdict,
        "broken_in": list(check.broken),
    }

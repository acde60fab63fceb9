"""All interleavings of the state machine, and that the check would see a missing guard."""

from __future__ import annotations

import pytest

from operations.engine import transitions
from operations.tests.model_check import CONTROLS, ENGINE, MAX_LOSSES, Rules, check


def test_no_interleaving_breaks_a_rule_or_ends_nowhere() -> None:
    report = check(ENGINE)

    print(f"{report.states} states, {report.transitions} transitions")
    assert report.violation == "", " > ".join(report.trace)
    assert report.dead_ends == []
    assert report.states > 500, "a model this small has lost its interleavings"


@pytest.mark.parametrize("name", CONTROLS)
def test_check_finds_what_a_missing_guard_lets_through(name: str) -> None:
    report = check(CONTROLS[name])

    print(f"{report.violation}: {' > '.join(report.trace)}")
    assert report.violation, f"{name}: nothing found in {report.states} states"


def test_stale_commit_is_the_shortest_harm_of_comparing_the_status_alone() -> None:
    report = check(CONTROLS["status without fence"])

    assert len(report.trace) <= 6, " > ".join(report.trace)


@pytest.mark.parametrize(
    "rules", [Rules(sweep_raises_fence=False), Rules(claim_raises_fence=False)]
)
def test_fence_that_claim_or_sweep_alone_raises_is_still_enough(rules: Rules) -> None:
    """Both raise it: each is the other's second net as long as writes compare the status too."""
    report = check(rules)

    assert report.violation == "", " > ".join(report.trace)


def test_model_counts_losses_as_the_engine_does() -> None:
    assert MAX_LOSSES == transitions.MAX_LOSSES

"""A short kill campaign, and proof that its checks would notice what they look for."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from chaos import invariants
from chaos.backends import BACKENDS, Backend, Ports, Way
from chaos.figures import Figures
from chaos.plan import Action, Fault, Role, Strike, plan
from chaos.servers import NotNow
from chaos.storm import STRIKE_AGAIN_SECONDS, Storm
from operations import events
from operations.models import Attempt, MetricDelta, MetricTotal, Operation, OperationEvent
from operations.tests.factories import AttemptFactory, OperationEventFactory
from operations.tests.fault_server import FaultServer
from operations.tests.judgement.kind import APPLIED

ROOT = Path(__file__).resolve().parents[2]

Submit = Callable[..., Operation]


@pytest.mark.slow
@pytest.mark.timeout(480)
def test_nothing_is_lost_or_doubled_while_everything_is_killed() -> None:
    options = ["--seconds", "30", "--backend", "sqlite", "--seed", "7", "--json"]

    campaign = subprocess.run(
        [sys.executable, "-m", "chaos", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert campaign.stdout, campaign.stderr
    figures = Figures.from_json(campaign.stdout)
    assert not figures.violations
    assert not figures.vacuous
    assert figures.signal_count >= 30
    assert figures.completed_in_the_end == figures.operations >= 200


FAULTS = tuple(
    Fault(role, action)
    for role, action in (
        (Role.DATABASE, Action.KILL),
        (Role.DATABASE, Action.LOCK),
        (Role.BROKER, Action.HANG),
    )
)


def test_every_fault_comes_before_any_comes_again() -> None:
    strikes = plan(seed=7, seconds=60, lease_seconds=2, infrastructure=FAULTS)

    faults = [fault for each in strikes if (fault := Fault(each.role, each.action)) in FAULTS]
    assert len(faults) >= 2 * len(FAULTS)
    assert set(faults[:3]) == set(faults[3:6]) == set(FAULTS)


def test_fault_that_nobody_met_is_red() -> None:
    figures = Figures(backend="SQLite", kind="infrastructure", seed=7, seconds=60)
    figures.faults_met = {"kill database": 2, "hang broker": 0}

    figures.judge_vacuity()

    assert "nobody met: hang broker" in figures.vacuous
    assert not any("kill database" in reason for reason in figures.vacuous)


def test_same_seed_gives_the_same_plan() -> None:
    def strikes(seed: int) -> object:
        return plan(seed=seed, seconds=30, lease_seconds=2, infrastructure=FAULTS)

    assert strikes(7) == strikes(7)
    assert strikes(7) != strikes(8)


def test_campaign_in_which_nothing_went_wrong_is_red() -> None:
    figures = Figures(backend="SQLite", kind="kill", seed=7, seconds=60)

    figures.judge_vacuity()

    assert not figures.is_green
    assert "no lease was lost" in figures.vacuous


@pytest.fixture
def operation(submit: Submit, provider: FaultServer, drain: Callable[..., None]) -> Operation:
    """One that the real engine has completed."""
    operation = submit()
    drain()
    operation.refresh_from_db()
    return operation


def lease(operation: Operation, length: timedelta) -> None:
    Operation.objects.update(
        status=Operation.Status.RUNNING,
        finished_at=None,
        lease_owner=uuid4(),
        lease_expires_at=timezone.now() + length,
    )


def double_the_result(operation: Operation) -> None:
    OperationEventFactory(operation=operation, name=APPLIED, fence=operation.fence)


def lose_the_result(operation: Operation) -> None:
    OperationEvent.objects.filter(name=APPLIED).delete()


def apply_under_an_older_fence(operation: Operation) -> None:
    OperationEvent.objects.filter(name=APPLIED).update(fence=0)


def forget_to_end_the_attempt(operation: Operation) -> None:
    Attempt.objects.update(outcome=Attempt.Outcome.RUNNING, finished_at=None)


def lower_the_fence(operation: Operation) -> None:
    Operation.objects.update(fence=0)


def lose_an_event(operation: Operation) -> None:
    OperationEvent.objects.filter(name=events.CLAIMED).delete()


def complete_twice(operation: Operation) -> None:
    OperationEventFactory(
        operation=operation, name=events.COMPLETED, from_status="running", to_status="completed"
    )


def leave_a_final_status(operation: Operation) -> None:
    OperationEventFactory(
        operation=operation, name=events.RESCUED, from_status="completed", to_status="pending"
    )
    Operation.objects.update(status=Operation.Status.PENDING, finished_at=None)


def hold_on_for_ever(operation: Operation) -> None:
    lease(operation, timedelta(hours=1))


def leave_it_running(operation: Operation) -> None:
    lease(operation, timedelta(seconds=1))


def lose_an_attempt(operation: Operation) -> None:
    Attempt.objects.all().delete()


def miscount_the_run(operation: Operation) -> None:
    Operation.objects.update(run_attempts=2)


def succeed_twice(operation: Operation) -> None:
    AttemptFactory(
        operation=operation,
        number=2,
        fence=operation.fence,
        outcome=Attempt.Outcome.SUCCEEDED,
        category="",
        error_code="",
    )
    Operation.objects.update(attempts=2, run_attempts=2)


def forget_a_loss(operation: Operation) -> None:
    OperationEventFactory(operation=operation, name=events.RESCUED)


def forget_what_an_attempt_cost(operation: Operation) -> None:
    Operation.objects.update(input_tokens=0)


def count_nothing(operation: Operation) -> None:
    MetricDelta.objects.all().delete()
    MetricTotal.objects.all().delete()


SEEDED = [
    (double_the_result, "I1 one result for each completed operation"),
    (lose_the_result, "I1 one result for each completed operation"),
    (apply_under_an_older_fence, "I1 one result for each completed operation"),
    (forget_to_end_the_attempt, "I2 open attempts belong to their run"),
    (lower_the_fence, "I3 the fence never falls"),
    (lose_an_event, "I4 only allowed transitions"),
    (complete_twice, "I4 only allowed transitions"),
    (leave_a_final_status, "I4 only allowed transitions"),
    (hold_on_for_ever, "I5 leases are bounded"),
    (leave_it_running, "I6 everything is final"),
    (lose_an_attempt, "I8 attempts are counted"),
    (miscount_the_run, "I8 attempts are counted"),
    (succeed_twice, "completed by one attempt"),
    (forget_a_loss, "losses are counted"),
    (forget_what_an_attempt_cost, "the bill adds up"),
    (count_nothing, "metrics agree with the rows"),
]


@pytest.mark.django_db(transaction=True)
def test_what_the_engine_leaves_has_no_violation(operation: Operation) -> None:
    assert invariants.violations(invariants.SETTLED) == []
    assert invariants.violations(invariants.LIVE) == []
    assert invariants.calls_have_attempts(1) == []
    assert invariants.submitted_are_there([operation.pk]) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("seed", "check"), SEEDED, ids=[seed.__name__ for seed, _ in SEEDED])
def test_seeded_violation_is_found(
    operation: Operation, seed: Callable[[Operation], None], check: str
) -> None:
    seed(operation)

    assert invariants.SETTLED[check]() != []


def test_every_check_has_a_seeded_violation() -> None:
    assert {check for _, check in SEEDED} == set(invariants.SETTLED)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("calls", [0, 2], ids=["answer without a call", "call without an attempt"])
def test_calls_that_do_not_fit_the_ledger_are_found(operation: Operation, calls: int) -> None:
    assert invariants.calls_have_attempts(calls) != []


@pytest.mark.django_db(transaction=True)
def test_lost_operation_is_found(operation: Operation) -> None:
    Operation.objects.all().delete()

    assert invariants.submitted_are_there([operation.pk]) != []


def test_every_fault_of_the_campaigns_is_in_the_operators_table() -> None:
    ports = Ports(1, 2, 3)
    struck = {
        str(fault) for backend in BACKENDS.values() for fault in backend(Path(), ports).faults
    }
    page = (ROOT / "docs" / "operating.md").read_text()
    section = page.partition("## When what surrounds it fails")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| ")]

    assert set(re.findall(r"`([^`]+)`", "".join(rows))) == struck


class Shy(Backend):
    """Its fault is possible at the second try."""

    tries = 0

    def __init__(self) -> None:
        self.ways = {LOCKED: Way(self._strike, lambda: None, lambda: True)}

    def _strike(self) -> None:
        self.tries += 1
        if self.tries == 1:
            raise NotNow


LOCKED = Fault(Role.DATABASE, Action.LOCK)


def stormed(backend: Backend, *, asked: Iterator[int], seconds: float) -> Storm:
    running = SimpleNamespace(is_running=True)
    census: Any = SimpleNamespace(worker=running, web=running, mine=list)
    storm = Storm(census, backend, lambda: next(asked))
    storm.run([Strike(0.0, LOCKED.role, LOCKED.action, 0.5, 0.1)], seconds)
    storm.calm()
    return storm


def test_fault_that_is_not_possible_now_is_tried_again() -> None:
    storm = stormed(Shy(), asked=itertools.count(), seconds=STRIKE_AGAIN_SECONDS + 0.5)

    assert storm.signals == {str(LOCKED): 1}
    assert storm.faults == {str(LOCKED): 1}


def test_fault_during_which_nobody_asked_was_not_met() -> None:
    storm = stormed(Shy(), asked=itertools.repeat(7), seconds=STRIKE_AGAIN_SECONDS + 0.5)

    assert storm.signals == {str(LOCKED): 1}
    assert not storm.faults


def test_nothing_is_struck_when_the_storm_is_over() -> None:
    backend = Shy()
    storm = stormed(backend, asked=itertools.count(), seconds=0.1)

    assert backend.tries == 1
    assert not storm.signals

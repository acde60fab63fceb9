"""A process dies between any two steps; another goes on: nothing is lost, doubled or stuck."""

from __future__ import annotations

import ast
import contextlib
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

import operations
from operations import events
from operations.engine import leases
from operations.engine.claims import claim_batch
from operations.engine.failpoints import EXIT_CODE, VARIABLE
from operations.models import Operation
from operations.refusals import OperationInProgress
from operations.services import cancel_operation
from operations.tests import mortal
from operations.tests.conftest import drain_until_idle
from operations.tests.fault_server import FaultServer
from operations.tests.invariants import violations
from operations.tests.worker import WorkerProcess, wait_until
from operations.workers.chores import SWEEP_SECONDS as SUPERVISOR_SWEEP_SECONDS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

LEASE_SECONDS = 30.0
"""Long: on a busy machine a short one would end before its process comes to the place."""

BUSY_SECONDS = 60.0
"""What a busy machine gets to start a process and run a step."""

Submit = Callable[..., Operation]


@dataclass(frozen=True)
class Death:
    """What is under way when the process dies."""

    step: str = "drain"
    playing: str = "ok"
    latency: float = 0.0
    environment: dict[str, str] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None
    meanwhile: Callable[[], None] | None = None
    """Done once the provider has all calls."""
    ends: tuple[str, ...] = (Operation.Status.COMPLETED,)


def cancel_all() -> None:
    for operation in Operation.objects.all():
        cancel_operation(operation_id=operation.pk, door="api")


def lose_all() -> None:
    with transaction.atomic():
        claim_batch(owner=uuid.uuid4(), limit=10)
    end_leases()


def end_leases() -> None:
    Operation.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def rescue_all() -> None:
    """Due much later: its late results come before its next claim."""
    with transaction.atomic():
        end_leases()
        leases.sweep()
        Operation.objects.update(next_attempt_at=timezone.now() + timedelta(hours=1))


FOR_EVER = 60.0
FAILED_OR_COMPLETED = (Operation.Status.FAILED, Operation.Status.COMPLETED)

DEATHS = {
    "in_submit_before_commit": Death(step="submit"),
    "after_submit_commit": Death(step="submit"),
    "in_claim_after_swap": Death(),
    "after_claim_commit": Death(),
    "before_call": Death(),
    "in_heartbeat": Death(latency=FOR_EVER, environment={"OPERATIONS_LEASE_SECONDS": "1"}),
    "after_response_before_commit": Death(),
    "inside_complete_after_swap": Death(),
    "inside_complete_after_apply": Death(),
    "after_complete_commit": Death(),
    "in_backoff_after_commit": Death(playing="server_500*3,ok"),
    "in_next_attempt_before_commit": Death(playing="server_500*3,ok"),
    "in_fail_after_swap": Death(playing="rate_limit_tpm"),
    "after_fail_commit": Death(playing="rate_limit_tpm", ends=FAILED_OR_COMPLETED),
    "in_defer_after_swap": Death(
        playing="rate_limit_tpm", environment={"OPERATIONS_DEFER_RATE_LIMITED": "true"}
    ),
    "in_release_after_swap": Death(
        step="drain_and_stop",
        latency=FOR_EVER,
        environment={"OPERATIONS_SHUTDOWN_GRACE_SECONDS": "0.1"},
    ),
    "in_cancel_after_swap": Death(
        latency=FOR_EVER, meanwhile=cancel_all, ends=(Operation.Status.CANCELLED,)
    ),
    "before_fenced_is_marked": Death(latency=2.0, meanwhile=rescue_all),
    "in_sweep_after_swap": Death(step="sweep", before=lose_all),
    "in_retry_after_swap": Death(step="retry", playing="rate_limit_tpm", before=drain_until_idle),
}


def names_in_the_source() -> Iterator[str]:
    for path in Path(operations.__file__).parent.rglob("*.py"):
        if "tests" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and "failpoints.reach" in ast.unparse(node):
                yield from (ast.literal_eval(a) for a in node.args if isinstance(a, ast.Constant))


def test_every_failpoint_is_tested_and_stands_once() -> None:
    assert sorted(names_in_the_source()) == sorted(DEATHS)


@pytest.mark.parametrize("name", DEATHS)
def test_process_that_dies_here_loses_and_doubles_nothing(
    name: str, submit: Submit, provider: FaultServer, settings: Settings
) -> None:
    settings.OPERATIONS_LEASE_SECONDS = LEASE_SECONDS
    death = DEATHS[name]
    for _ in range(3):
        submit()
    provider.playing = death.playing
    death.before()
    provider.latency = death.latency

    die_at(name, death, provider)

    assert violations() == []
    provider.playing, provider.latency = "ok", 0.0
    go_on(death)
    assert violations() == []
    assert set(Operation.objects.values_list("status", flat=True)) <= set(death.ends)
    assert Operation.objects.count() == (4 if death.step == "submit" else 3)


def die_at(name: str, death: Death, provider: FaultServer) -> None:
    """Run the step in a process of its own until it reaches the place."""
    environment = {"OPERATIONS_LEASE_SECONDS": str(LEASE_SECONDS), VARIABLE: name}
    known = len(provider.requests())
    process = subprocess.Popen(
        [sys.executable, "-m", "operations.tests.mortal", death.step],
        cwd=django_settings.BASE_DIR,
        env=WorkerProcess(provider, **(environment | death.environment)).environment,
    )
    try:
        if death.meanwhile is not None:
            wait_until(lambda: len(provider.requests()) == known + 3, BUSY_SECONDS)
            death.meanwhile()
        assert process.wait(BUSY_SECONDS) == EXIT_CODE, "it never came to this place"
    finally:
        process.kill()


def go_on(death: Death) -> None:
    """A second process, after the time that everything may take has passed: no lease reaches
    further than its length (I5), so lease and one sweep are the longest that anybody waits."""
    if death.step in {"submit", "retry"}:  # whoever got no answer asks again
        with contextlib.suppress(OperationInProgress):
            getattr(mortal, death.step)()
    let_time_pass()
    leases.sweep()
    drain_until_idle(supervisor="another")


def let_time_pass() -> None:
    past = timezone.now() - timedelta(seconds=1)
    Operation.objects.filter(status="running").update(lease_expires_at=past)
    Operation.objects.filter(status="pending").update(next_attempt_at=None)


def test_work_of_a_dead_process_is_done_within_a_lease_and_a_sweep(
    submit: Submit, provider: FaultServer, settings: Settings
) -> None:
    settings.OPERATIONS_LEASE_SECONDS = 2
    submit()
    lease = {"OPERATIONS_LEASE_SECONDS": "2"}
    die_at("after_claim_commit", Death(environment=lease), provider)
    claimed_at = Operation.objects.get().started_at

    while Operation.objects.get().status != Operation.Status.COMPLETED:
        leases.sweep()
        drain_until_idle(supervisor="another")
        time.sleep(0.1)

    operation = Operation.objects.get()
    assert operation.losses == 1
    waited = operation.events.get(name=events.RESCUED).at - claimed_at
    assert timedelta(seconds=2) <= waited < timedelta(seconds=2 + SUPERVISOR_SWEEP_SECONDS)

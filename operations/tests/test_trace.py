"""Who did it and who asked: on the operation, its attempts, its events and in the log."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import structlog
from django.test import Client
from django.urls import reverse
from structlog.testing import capture_logs

from operations import exits, trace
from operations.engine.leases import end_leases_of, sweep
from operations.models import Attempt, Door, Operation
from operations.services import retry_operation
from operations.tests.factories import AttemptFactory, OperationFactory, WorkerHeartbeatFactory
from operations.tests.fault_server import FaultServer
from operations.workers.deaths import PATIENCE_SECONDS, Death, Deaths

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Operation]


def test_request_and_worker_are_on_the_operation_its_attempts_and_events(
    submit: Submit, drain: Callable[[], None], provider: FaultServer
) -> None:
    with structlog.contextvars.bound_contextvars(request_id="req-from-a-page"):
        operation = submit()

    with capture_logs() as lines:
        drain()

    operation.refresh_from_db()
    here = trace.process()
    assert (operation.request_id, operation.worker) == ("req-from-a-page", here)
    attempt = operation.attempt_ledger.get()
    assert (attempt.request_id, attempt.worker) == ("req-from-a-page", here)
    workers = operation.events.filter(request_id="req-from-a-page").values_list("name", "worker")
    assert dict(workers) == {
        "operation.created": "",
        "operation.claimed": here,
        "operation.completed": here,
    }
    told = [line for line in lines if line["event"] in ("operation.claimed", "operation.completed")]
    assert len(told) == 2
    assert {(line["request_id"], line["worker"]) for line in told} == {("req-from-a-page", here)}


@pytest.mark.parametrize("path", ["?q=one-request", "?request_id__exact=one-request"])
def test_operations_of_a_request_are_found(path: str, admin_client: Client) -> None:
    asked, other = OperationFactory(request_id="one-request"), OperationFactory()
    url = reverse("admin:operations_operation_changelist")

    found = admin_client.get(url + path).context["cl"].queryset

    assert set(found) == {asked} != {other}


def test_page_of_an_operation_says_who_worked_and_who_asked(admin_client: Client) -> None:
    operation = OperationFactory(failed=True, request_id="one-request")
    AttemptFactory(operation=operation, worker="host-a:4711")

    url = reverse("admin:operations_operation_change", args=(operation.pk,))
    page = admin_client.get(url).content.decode()

    assert "<td>host-a:4711</td>" in page
    assert "select(.request_id == &quot;one-request&quot;)" in page


def test_a_retry_is_asked_for_by_its_own_request() -> None:
    operation = OperationFactory(failed=True, request_id="the-first")
    AttemptFactory(operation=operation, request_id="the-first")

    with structlog.contextvars.bound_contextvars(request_id="the-second"):
        retry_operation(operation_id=operation.pk, door=Door.ADMIN)

    operation.refresh_from_db()
    assert operation.request_id == "the-second"
    assert operation.attempt_ledger.get().request_id == "the-first"
    assert operation.events.get().request_id == "the-second"


def test_rescue_says_whose_work_it_was() -> None:
    drain = WorkerHeartbeatFactory()
    held = OperationFactory(running=True, lease_owner=drain.pk, worker="worker.example.org:4711")
    AttemptFactory(operation=held, running=True)
    OperationFactory(running=True)

    assert end_leases_of(owner=drain.pk) == [held.pk]
    sweep()

    assert held.events.get().detail["lost_worker"] == "worker.example.org:4711"
    assert held.attempt_ledger.get().outcome == Attempt.Outcome.LOST


@pytest.mark.parametrize(
    ("exit_code", "name"),
    [(-9, "SIGKILL"), (-11, "SIGSEGV"), (-255, "signal 255"), (1, None), (0, None), (None, None)],
)
def test_exit_code_is_told_as_a_signal(exit_code: int | None, name: str | None) -> None:
    assert trace.signal_name(exit_code) == name


def test_exit_codes_pass_through_the_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    monkeypatch.setenv(exits.VARIABLE, str(write_end))

    assert list(exits.reported(read_end)) == []
    exits.report(41, -9)
    exits.report(42, 0)

    assert list(exits.reported(read_end)) == [(41, -9), (42, 0)]
    os.close(read_end)
    os.close(write_end)


@pytest.mark.parametrize("order", [("exited", "held"), ("held", "exited")])
def test_a_death_is_told_once_both_halves_are_known(order: tuple[str, ...]) -> None:
    deaths = Deaths()
    halves = {
        "exited": lambda: deaths.exited(7, -9, now=0.0),
        "held": lambda: deaths.held(7, ["a"], now=0.0),
    }

    halves[order[0]]()
    assert deaths.settled(now=0.1) == []
    halves[order[1]]()

    assert deaths.settled(now=0.2) == [Death(7, 0.0, -9, ["a"])]
    assert deaths.settled(now=9.0) == []


def test_who_went_with_the_cluster_is_not_told_once_more() -> None:
    deaths = Deaths(known=[7])
    deaths.exited(7, -9, now=0.0)
    deaths.held(7, ["a"], now=0.0)
    deaths.held(8, ["b"], now=0.0)

    assert [death.pid for death in deaths.settled(now=PATIENCE_SECONDS)] == [8]


def test_half_a_death_is_told_after_a_while_and_an_orderly_end_never() -> None:
    deaths = Deaths()
    deaths.exited(7, -9, now=0.0)
    deaths.held(8, ["a"], now=0.0)
    deaths.exited(9, 0, now=0.0)

    told = deaths.settled(now=PATIENCE_SECONDS)

    assert [(death.pid, death.exit_code, death.held) for death in told] == [
        (7, -9, None),
        (8, None, ["a"]),
    ]

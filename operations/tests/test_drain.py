"""The engine as a whole: real engine, real SDK, real sockets; only the provider is ours."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from pytest_django import Settings

from operations import dispatch
from operations.engine import leases
from operations.engine.drain import Drain
from operations.engine.running import CallInsideTransaction, refuse_inside_transaction
from operations.models import Attempt, Operation, OperationEvent, ProviderPause, WorkerHeartbeat
from operations.services import cancel_operation, retry_operation
from operations.tests.fault_server import FaultServer
from operations.tests.judgement.kind import APPLIED, JudgementKind
from operations.tests.worker import wait_until

pytestmark = [pytest.mark.django_db(transaction=True)]

Submit = Callable[..., Operation]
DrainOnce = Callable[..., None]


def results(operation: Operation) -> int:
    return OperationEvent.objects.filter(operation=operation, name=APPLIED).count()


def calls(provider: FaultServer) -> int:
    return len(provider.requests())


def test_operation_is_completed_with_one_result(
    submit: Submit, provider: FaultServer, drain: DrainOnce
) -> None:
    operation = submit()

    drain()

    operation.refresh_from_db()
    assert operation.status == Operation.Status.COMPLETED
    assert results(operation) == 1
    assert calls(provider) == 1
    attempt = operation.attempt_ledger.get()
    assert attempt.outcome == Attempt.Outcome.SUCCEEDED
    assert attempt.http_status == 200
    assert (operation.input_tokens, operation.output_tokens) == (9, 12)
    assert not operation.simulated


def test_without_a_key_the_simulated_provider_answers_and_says_so(
    submit: Submit, drain: DrainOnce
) -> None:
    operation = submit()

    drain()

    operation.refresh_from_db()
    assert operation.status == Operation.Status.COMPLETED
    assert operation.simulated
    assert operation.model == "simulated", "its name is not masked with its stand-in for a key"


def test_two_server_errors_are_waited_out(
    submit: Submit, provider: FaultServer, drain: DrainOnce
) -> None:
    provider.playing = "server_500*2,ok"
    operation = submit()

    drain()

    operation.refresh_from_db()
    assert operation.status == Operation.Status.COMPLETED
    ledger = list(operation.attempt_ledger.order_by("number"))
    assert [attempt.outcome for attempt in ledger] == ["failed", "failed", "succeeded"]
    assert [attempt.http_status for attempt in ledger[:2]] == [500, 500]
    base = 0.05
    assert base <= ledger[0].wait_seconds <= base * 1.1
    assert 2 * base <= ledger[1].wait_seconds <= 2 * base * 1.1
    assert provider.verdict() == []


def test_server_error_fails_after_four_calls(
    submit: Submit, provider: FaultServer, drain: DrainOnce
) -> None:
    provider.playing = "server_500"
    operation = submit()

    drain()

    operation.refresh_from_db()
    assert (operation.status, operation.error_code) == ("failed", "SERVER_ERROR")
    assert operation.error_category == "server_error"
    assert (operation.attempts, calls(provider)) == (4, 4)
    assert results(operation) == 0


def test_refused_key_fails_after_one_call_and_pauses_its_credential(
    submit: Submit, provider: FaultServer, drain: DrainOnce
) -> None:
    provider.playing = "auth_invalid_api_key"
    first = submit()
    drain()
    second = submit()
    drain()

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.error_category) == ("failed", "authentication")
    assert second.status == Operation.Status.PENDING, "it waits for the key"
    assert calls(provider) == 1
    assert ProviderPause.objects.get().credential == first.credential


def test_retry_is_the_probe_that_resumes_the_credential(
    submit: Submit, provider: FaultServer, drain: DrainOnce
) -> None:
    provider.playing = "auth_invalid_api_key"
    failed = submit()
    drain()
    waiting = submit()
    provider.playing = "ok"

    retry_operation(operation_id=failed.pk, door="api")
    drain()
    drain()

    failed.refresh_from_db()
    waiting.refresh_from_db()
    assert failed.status == Operation.Status.COMPLETED
    assert waiting.status == Operation.Status.COMPLETED
    assert not ProviderPause.objects.filter(resumed_at=None).exists()


def test_retry_keeps_the_ledger_of_the_failed_run(
    submit: Submit, provider: FaultServer, drain: DrainOnce
) -> None:
    provider.playing = "rate_limit_tpm"
    operation = submit()
    drain()
    provider.playing = "ok"

    retry_operation(operation_id=operation.pk, door="api")
    drain()

    ledger = operation.attempt_ledger.order_by("number")
    assert [(a.number, a.run, a.outcome) for a in ledger] == [
        (1, 1, "failed"),
        (2, 2, "succeeded"),
    ]
    assert ledger[0].error_code == "RATE_LIMIT_EXCEEDED"


@pytest.mark.parametrize(("step", "attempts"), [("request", 0), ("parse", 1), ("apply", 1)])
def test_bug_in_a_kind_fails_its_operation_and_rolls_back(
    step: str,
    attempts: int,
    submit: Submit,
    judgement: JudgementKind,
    provider: FaultServer,
    drain: DrainOnce,
) -> None:
    operation = submit()
    judgement.broken_in = step

    drain()

    operation.refresh_from_db()
    assert (operation.status, operation.error_code) == ("failed", "INTERNAL_ERROR")
    assert operation.attempts == attempts
    assert results(operation) == 0
    assert not Attempt.objects.filter(outcome="running").exists()
    for attempt in operation.attempt_ledger.all():
        assert "ZeroDivisionError at judgement/kind.py" in attempt.detail, "our frame comes first"
        assert "strawberry" not in attempt.detail


def test_one_broken_operation_does_not_sink_its_neighbours(
    submit: Submit, provider: FaultServer, drain: DrainOnce
) -> None:
    operations = [submit() for _ in range(20)]
    Operation.objects.filter(pk=operations[7].pk).update(kind="gone")

    drain()

    statuses = [Operation.objects.get(pk=operation.pk).status for operation in operations]
    assert statuses.count("completed") == 19
    assert statuses[7] == "failed"


def test_answer_that_does_not_fit_the_schema_is_an_invalid_response(
    submit: Submit, provider: FaultServer, drain: DrainOnce
) -> None:
    provider.playing = "b200_json_prose_around"
    operation = submit()

    drain()

    operation.refresh_from_db()
    assert (operation.status, operation.error_code) == ("failed", "SCHEMA_MISMATCH")
    assert operation.attempts == 1


def test_cancelled_call_is_aborted(
    submit: Submit, provider: FaultServer, settings: Settings
) -> None:
    provider.latency = 30.0
    operation = submit()
    worker = threading.Thread(target=lambda: asyncio.run(Drain(until_idle=True).run()))
    worker.start()
    wait_until(lambda: calls(provider) == 1)

    cancel_operation(operation_id=operation.pk, door="api")
    worker.join(10)

    assert not worker.is_alive()
    operation.refresh_from_db()
    assert operation.status == Operation.Status.CANCELLED
    assert operation.error_code == ""
    assert operation.attempt_ledger.get().outcome == Attempt.Outcome.CANCELLED


def test_lost_wake_ups_are_made_good_by_looks(
    submit: Submit, provider: FaultServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OPERATIONS_LEASE_SECONDS = 300  # no heartbeat tells of a cancellation
    monkeypatch.setattr(dispatch, "wake", lambda: None)
    provider.latency = 60.0
    first = submit()
    worker = threading.Thread(target=lambda: asyncio.run(Drain(until_idle=True).run()))
    worker.start()
    wait_until(lambda: calls(provider) == 1)

    second = submit()
    wait_until(lambda: calls(provider) == 2, seconds=40)
    for operation in (first, second):
        cancel_operation(operation_id=operation.pk, door="api")
    worker.join(40)

    assert not worker.is_alive()
    assert set(Operation.objects.values_list("status", flat=True)) == {"cancelled"}


def test_drain_that_is_stopped_releases_what_it_cannot_finish(
    submit: Submit, provider: FaultServer, settings: Settings
) -> None:
    settings.OPERATIONS_SHUTDOWN_GRACE_SECONDS = 0.2
    provider.latency = 30.0
    operation = submit()

    async def drain_and_stop() -> None:
        drain = Drain(until_idle=True)
        running = asyncio.create_task(drain.run())
        while calls(provider) == 0:
            await asyncio.sleep(0.02)
        drain.stop()
        await running

    asyncio.run(asyncio.wait_for(drain_and_stop(), 15))

    operation.refresh_from_db()
    assert operation.status == Operation.Status.PENDING
    assert operation.losses == 0
    assert operation.attempt_ledger.get().outcome == Attempt.Outcome.RELEASED
    assert not WorkerHeartbeat.objects.exists()


def test_result_that_comes_after_a_rescue_is_dropped_and_billed(
    submit: Submit, provider: FaultServer
) -> None:
    provider.latency = 1.0
    operation = submit()
    worker = threading.Thread(target=lambda: asyncio.run(Drain(until_idle=True).run()))
    worker.start()
    wait_until(lambda: calls(provider) == 1)

    past = Operation.objects.get(pk=operation.pk).lease_expires_at - timedelta(hours=1)
    Operation.objects.filter(pk=operation.pk).update(
        lease_expires_at=past, lease_owner=operation.pk
    )
    leases.sweep()
    worker.join(15)

    operation.refresh_from_db()
    assert operation.status == Operation.Status.COMPLETED
    assert results(operation) == 1
    outcomes = list(operation.attempt_ledger.order_by("number").values_list("outcome", flat=True))
    assert outcomes[-1] == "succeeded"
    assert outcomes[0] in {"lost", "fenced"}


def test_run_whose_next_wait_passes_its_deadline_ends_with_the_failure_it_saw(
    submit: Submit, provider: FaultServer, drain: DrainOnce, settings: Settings
) -> None:
    settings.OPERATIONS_DEADLINE_SECONDS = 20
    settings.OPERATIONS_BACKOFF_BASE_SECONDS = 30
    provider.playing = "server_500"
    operation = submit()

    drain()

    operation.refresh_from_db()
    assert (operation.status, operation.error_code) == ("failed", "SERVER_ERROR")
    assert operation.attempts == 1


def test_rate_limited_operation_waits_where_the_operator_wants_it(
    submit: Submit, provider: FaultServer, drain: DrainOnce, settings: Settings
) -> None:
    settings.OPERATIONS_DEFER_RATE_LIMITED = True
    provider.playing = "rate_limit_tpm"
    operation = submit()

    drain()

    operation.refresh_from_db()
    assert operation.status == Operation.Status.PENDING
    assert operation.waiting_reason == Operation.Waiting.RATE_LIMITED
    assert operation.next_attempt_at is not None
    assert operation.deferrals == 1


def test_call_inside_a_transaction_is_refused() -> None:
    with transaction.atomic(), pytest.raises(CallInsideTransaction):
        refuse_inside_transaction()


def test_failure_is_logged_without_key_or_text(
    submit: Submit, provider: FaultServer, drain: DrainOnce, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider.playing = "auth_invalid_api_key"
    submit(subject_id="strawberry")

    drain()

    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "operation.failed" in said
    assert "sk-proj-a-key" not in said
    assert "strawberry" not in said


def test_alarm_that_ends_the_process_releases_what_is_under_way(
    submit: Submit, provider: FaultServer
) -> None:
    """django-q2's time-out raises SystemExit out of a signal handler, anywhere in Python code."""
    provider.latency = 30.0
    operation = submit()

    def time_is_up(*_: object) -> None:
        raise SystemExit("time is up")

    before = signal.signal(signal.SIGALRM, time_is_up)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        with pytest.raises(SystemExit):
            asyncio.run(Drain(until_idle=True).run())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    operation.refresh_from_db()
    assert operation.status == Operation.Status.PENDING
    assert operation.attempt_ledger.get().outcome == Attempt.Outcome.RELEASED
    assert not WorkerHeartbeat.objects.exists()


@pytest.mark.parametrize(
    ("retry_after", "earlier_deferrals", "expected"),
    [("20", 0, "pending"), ("43200", 0, "failed"), ("20", 10, "failed"), ("nan", 0, "pending")],
    ids=["named time", "twelve hours", "eleventh time", "garbage"],
)
def test_waits_for_a_rate_limit_are_bounded(
    retry_after: str,
    earlier_deferrals: int,
    expected: str,
    submit: Submit,
    provider: FaultServer,
    drain: DrainOnce,
    settings: Settings,
) -> None:
    settings.OPERATIONS_DEFER_RATE_LIMITED = True
    case = provider.cases["rate_limit_no_headers"]
    headers = {**case["headers"], "Retry-After": retry_after}
    provider.cases = {**provider.cases, "limited": {**case, "headers": headers}}
    provider.playing = "limited"
    operation = submit()
    Operation.objects.filter(pk=operation.pk).update(deferrals=earlier_deferrals)

    drain()

    operation.refresh_from_db()
    assert operation.status == expected
    assert operation.attempts == 1

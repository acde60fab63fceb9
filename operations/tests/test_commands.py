"""The operators' commands: filters, reports, exit codes."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from operations import pauses
from operations.kinds import DEFER_PARAMETER, MODEL_PARAMETER
from operations.management.selection import progress
from operations.models import Attempt, Operation
from operations.tests.endings import fail
from operations.tests.factories import (
    AttemptFactory,
    OperationFactory,
    ProviderPauseFactory,
    UserFactory,
    WorkerHeartbeatFactory,
)

pytestmark = pytest.mark.django_db

FAILED_PROBE = {
    "status": "failed",
    "error_code": "INVALID_API_KEY",
    "error_category": "authentication",
}


def run(command: str, *arguments: str) -> tuple[int, str]:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command(command, *arguments, stdout=out)
    return int(ended.value.code or 0), out.getvalue()


def report(command: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    code, text = run(command, *arguments, "--json")
    return code, json.loads(text)


def told(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def test_retry_takes_the_failed_ones_of_a_category() -> None:
    wanted = OperationFactory(failed=True, error_code="SERVER_ERROR")
    other = OperationFactory(failed=True, error_code="QUOTA_EXCEEDED")

    code, said = report("retry_operations", "--category", "server_error")

    assert (code, said) == (0, {"matched": 1, "changed": 1, "skipped": []})
    wanted.refresh_from_db()
    other.refresh_from_db()
    assert (wanted.status, other.status) == ("pending", "failed")


def test_dry_run_changes_nothing() -> None:
    operation = OperationFactory(failed=True)

    code, said = report("retry_operations", "--dry-run")

    assert (code, said["changed"]) == (0, 1)
    operation.refresh_from_db()
    assert operation.status == Operation.Status.FAILED


def test_nothing_matched_exits_with_3() -> None:
    assert run("retry_operations", "--all")[0] == 3


def test_what_is_skipped_is_named_with_its_reason() -> None:
    done = OperationFactory(completed=True)
    failed = OperationFactory(failed=True)

    code, said = report("retry_operations", "--id", str(done.pk), "--id", str(failed.pk))

    assert code == 4
    assert said == {
        "matched": 2,
        "changed": 1,
        "skipped": [{"id": str(done.pk), "reason": "NOT_RETRYABLE"}],
    }


def test_older_than_counts_from_the_last_time_it_was_queued() -> None:
    OperationFactory(failed=True, queued_at=timezone.now() - timedelta(hours=3))
    OperationFactory(failed=True)

    assert report("retry_operations", "--older-than", "2h")[1]["matched"] == 1


@pytest.mark.parametrize("text", ["soon", "-1d", "999999999d"])
def test_bad_duration_is_a_usage_error(text: str) -> None:
    with pytest.raises(CommandError):
        call_command("retry_operations", f"--older-than={text}")


def test_cancel_takes_what_is_unfinished() -> None:
    pending = OperationFactory()
    OperationFactory(completed=True)

    code, said = report("cancel_operations", "--all", "--yes")

    assert (code, said["matched"]) == (0, 1)
    pending.refresh_from_db()
    assert pending.status == Operation.Status.CANCELLED


def test_retry_may_ask_for_another_model() -> None:
    operation = OperationFactory(failed=True)

    report("retry_operations", "--all", "--yes", "--model", "gpt-6-sol")

    operation.refresh_from_db()
    assert operation.parameters[MODEL_PARAMETER] == "gpt-6-sol"


def test_those_that_are_retried_together_wait_for_a_rate_limit() -> None:
    one, another = (OperationFactory(failed=True) for _ in range(2))

    report("retry_operations", "--id", str(one.pk))
    report("retry_operations", "--all", "--yes")

    one.refresh_from_db()
    another.refresh_from_db()
    assert (one.parameters, another.parameters) == ({}, {DEFER_PARAMETER: True})


def test_retry_when_possible_waits_for_the_time_the_provider_named() -> None:
    possible_at = timezone.now() + timedelta(minutes=5)
    operation = OperationFactory(failed=True, retry_after_at=possible_at)

    report("retry_operations", "--all", "--yes", "--when", "possible")

    operation.refresh_from_db()
    assert operation.next_attempt_at == possible_at
    assert not operation.is_probe


@pytest.mark.parametrize("verb", ["retry_operations", "cancel_operations"])
def test_nobody_means_all_by_saying_nothing(verb: str) -> None:
    operation = OperationFactory(failed=True) if verb == "retry_operations" else OperationFactory()

    for arguments in ([], ["--limit", "1"], ["--all"]):  # no terminal to ask at
        with pytest.raises(CommandError) as refused:
            call_command(verb, *arguments)
        assert refused.value.returncode == 2

    before = operation.status
    operation.refresh_from_db()
    assert operation.status == before


@pytest.mark.parametrize(("said", "status"), [("y", "pending"), ("", "failed"), ("n", "failed")])
def test_all_at_a_terminal_is_asked_about(
    said: str, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = OperationFactory(failed=True)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: said)

    with pytest.raises((SystemExit, CommandError)):
        call_command("retry_operations", "--all")

    operation.refresh_from_db()
    assert operation.status == status


def test_retry_leaves_out_what_is_acknowledged_and_what_will_fail_again() -> None:
    hopeful = OperationFactory(failed=True)
    settled = OperationFactory(failed=True, acknowledged_at=timezone.now())
    hopeless = OperationFactory(failed=True, error_code="INVALID_API_KEY")

    code, said = report("retry_operations", "--all", "--yes")

    assert (code, said["matched"], said["changed"]) == (4, 3, 1)
    reasons = {each["id"]: each["reason"] for each in said["skipped"]}
    assert reasons[str(settled.pk)] == "is acknowledged"
    assert reasons[str(hopeless.pk)].startswith("will fail again: ")
    hopeful.refresh_from_db()
    assert hopeful.status == "pending"
    told_to = ("--acknowledged", "--hopeless")
    assert report("retry_operations", "--all", "--yes", *told_to)[1]["changed"] == 2


def test_retry_of_what_is_named_asks_no_further() -> None:
    hopeless = OperationFactory(failed=True, error_code="INVALID_API_KEY")

    assert report("retry_operations", "--id", str(hopeless.pk)) == (
        0,
        {"matched": 1, "changed": 1, "skipped": []},
    )


def test_dry_run_names_what_will_fail_again() -> None:
    OperationFactory(failed=True, error_code="QUOTA_EXCEEDED")

    said = report("retry_operations", "--dry-run")[1]

    assert said["changed"] == 0
    assert said["skipped"][0]["reason"].startswith("will fail again: ")


@pytest.mark.parametrize(
    "chosen",
    [
        lambda one: ("--code", one.error_code),
        lambda one: ("--session", str(one.session_id)),
        lambda one: ("--user", one.owner.username),
    ],
    ids=["code", "session", "user"],
)
def test_operations_are_chosen_by_what_an_operator_knows(chosen: Any) -> None:
    wanted = OperationFactory(
        failed=True, error_code="NETWORK_ERROR", session_id=uuid4(), owner=UserFactory()
    )
    OperationFactory(failed=True, session_id=uuid4())

    assert report("retry_operations", *chosen(wanted))[1]["matched"] == 1
    wanted.refresh_from_db()
    assert wanted.status == "pending"


def test_list_shows_what_failed() -> None:
    failed = OperationFactory(failed=True)
    OperationFactory(completed=True)

    rows = json.loads(told("list_operations", "--json"))

    assert [(row["id"], row["state"], row["error_code"]) for row in rows] == [
        (str(failed.pk), "failed", "SERVER_ERROR")
    ]
    assert str(failed.pk) in told("list_operations")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--state", "stuck"), ["stuck"]),
        (("--state", "completed"), ["completed"]),
        (("--state", "all", "--limit", "2"), ["stuck", "completed"]),
        (("--state", "all", "--category", "server_error"), ["failed"]),
    ],
)
def test_list_takes_filters(arguments: tuple[str, ...], expected: list[str]) -> None:
    minute = timedelta(minutes=1)
    past = timezone.now() - 30 * minute
    OperationFactory(running=True, lease_expires_at=past, queued_at=past)
    OperationFactory(completed=True, queued_at=past + minute)
    OperationFactory(failed=True)

    rows = json.loads(told("list_operations", *arguments, "--json"))

    assert [row["state"] for row in rows] == expected


def test_list_of_nothing_exits_with_3() -> None:
    code, text = run("list_operations", "--json")

    assert (code, json.loads(text)) == (3, [])


def test_rescue_takes_back_what_a_dead_worker_held() -> None:
    lost = OperationFactory(running=True, lease_expires_at=timezone.now() - timedelta(seconds=1))
    alive = OperationFactory(running=True)

    code, said = report("rescue_operations")

    assert (code, said["changed"]) == (0, 1)
    lost.refresh_from_db()
    alive.refresh_from_db()
    assert (lost.status, lost.waiting_reason, alive.status) == ("pending", "rescued", "running")


def test_work_of_a_living_worker_is_not_rescued() -> None:
    operation = OperationFactory(running=True)

    code, said = report("rescue_operations", "--id", str(operation.pk))

    assert (code, said["skipped"][0]["reason"]) == (1, "NOT_RESCUABLE")


def test_resume_lets_a_credential_run_again() -> None:
    pause = ProviderPauseFactory()

    assert report("resume_provider", "--dry-run")[1]["changed"] == 1
    assert pauses.paused_credentials() == {pause.credential}
    assert report("resume_provider")[0] == 0

    assert pauses.paused_credentials() == set()
    assert run("resume_provider")[0] == 3


def test_probe_sends_a_call_of_its_own_and_leaves_the_pause() -> None:
    pause = ProviderPauseFactory()
    waiting = OperationFactory()

    for _ in range(2):
        assert report("resume_provider", "--probe", "--wait", "0")[0] == 0

    probe = Operation.objects.exclude(pk=waiting.pk).get()
    assert (probe.kind, probe.is_probe) == ("provider_probe", True)
    assert pauses.paused_credentials() == {pause.credential}


@pytest.mark.parametrize(
    ("outcome", "code", "reason"),
    [
        (FAILED_PROBE, 1, "failed: INVALID_API_KEY"),
        (None, 1, "is a worker alive?"),
        ({"status": "completed", "credential": "another"}, 1, "with another key: another"),
        ("resumed", 0, ""),
    ],
    ids=["failed", "nobody took it", "taken with another key", "succeeded"],
)
def test_probe_exits_by_its_outcome(
    outcome: Any, code: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = ProviderPauseFactory()

    def while_it_waits(seconds: float) -> None:
        if outcome == "resumed":
            pauses.close_pause(credential=pause.credential, at=timezone.now())
        elif outcome:
            Operation.objects.update(finished_at=timezone.now(), **outcome)

    monkeypatch.setattr("time.sleep", while_it_waits)

    exited, said = report("resume_provider", "--probe", "--wait", "0.2")

    assert exited == code
    assert reason in "".join(each["reason"] for each in said["skipped"])


def test_stats_count_states_errors_and_pauses() -> None:
    fail(OperationFactory(running=True))
    ProviderPauseFactory()

    stats = json.loads(told("operation_stats", "--json"))

    assert stats["by_status"]["failed"] == stats["by_state"]["failed"] == 1
    assert stats["errors"]["1h"] == {"server_error": 1}
    assert stats["paused"][0]["error_code"] == "INVALID_API_KEY"
    assert "server_error 1" in told("operation_stats")


def test_progress_is_drawn_on_a_terminal_alone() -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    terminal, pipe = Terminal(), StringIO()

    assert list(progress([1, 2, 3], terminal)) == list(progress([1, 2, 3], pipe)) == [1, 2, 3]

    assert "3/3" in terminal.getvalue()
    assert pipe.getvalue() == ""


def test_health_fails_without_a_worker() -> None:
    assert run("operations_health")[0] == 1


def test_health_fails_when_due_work_waits_too_long() -> None:
    WorkerHeartbeatFactory()
    OperationFactory(queued_at=timezone.now() - timedelta(seconds=90))

    assert run("operations_health", "--max-lag", "60")[0] == 1


def test_health_fails_while_work_waits_behind_a_pause() -> None:
    WorkerHeartbeatFactory()
    pause = ProviderPauseFactory()
    OperationFactory(credential=pause.credential, queued_at=timezone.now() - timedelta(seconds=90))

    code, said = run("operations_health", "--max-lag", "60")

    assert code == 1
    assert "1 waiting behind a pause, the oldest for 90 s" in said


@pytest.mark.parametrize(
    ("succeeded", "failed", "category", "code"),
    [
        (0, 9, "server_error", 0),  # too few to tell
        (0, 10, "server_error", 1),
        (6, 5, "server_error", 0),
        (5, 5, "network", 1),
        (0, 40, "invalid_response", 0),  # one answer's fault each, and no sign of the next
    ],
)
def test_health_fails_while_most_calls_do(
    succeeded: int, failed: int, category: str, code: int
) -> None:
    WorkerHeartbeatFactory()
    AttemptFactory.create_batch(succeeded, outcome="succeeded", category="", error_code="")
    AttemptFactory.create_batch(failed, category=category, error_code="SOME_CODE")
    old = AttemptFactory.create_batch(40, category="server_error")
    Attempt.objects.filter(pk__in=[one.pk for one in old]).update(
        finished_at=timezone.now() - timedelta(minutes=6)
    )

    if code:
        exited, said = run("operations_health")
        assert (exited, f"{failed} of the last {succeeded + failed} calls failed" in said) == (
            1,
            True,
        )
        assert "SOME_CODE" in said
    else:
        call_command("operations_health", stdout=StringIO())


def test_health_is_good_while_work_moves() -> None:
    WorkerHeartbeatFactory()
    out = StringIO()

    call_command("operations_health", stdout=out)

    assert "workers 1" in out.getvalue()


def test_operations_of_a_request_are_chosen_by_its_id() -> None:
    asked, other = (OperationFactory(failed=True, request_id=each) for each in ("one", "another"))

    assert report("retry_operations", "--request-id", "one")[1]["changed"] == 1

    assert Operation.objects.get(pk=asked.pk).status == "pending"
    assert Operation.objects.get(pk=other.pk).status == "failed"

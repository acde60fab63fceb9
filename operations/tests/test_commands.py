"""The operators' commands: filters, reports, exit codes."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from operations import pauses
from operations.management.selection import progress
from operations.models import Operation
from operations.tests.factories import (
    OperationFactory,
    ProviderPauseFactory,
    WorkerHeartbeatFactory,
)

pytestmark = pytest.mark.django_db


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
    assert run("retry_operations")[0] == 3


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

    code, said = report("cancel_operations")

    assert (code, said["matched"]) == (0, 1)
    pending.refresh_from_db()
    assert pending.status == Operation.Status.CANCELLED


def test_retry_may_ask_for_another_model() -> None:
    operation = OperationFactory(failed=True)

    report("retry_operations", "--model", "gpt-6-sol")

    operation.refresh_from_db()
    assert operation.parameters == {"model": "gpt-6-sol"}


def test_retry_when_possible_waits_for_the_time_the_provider_named() -> None:
    possible_at = timezone.now() + timedelta(minutes=5)
    operation = OperationFactory(failed=True, retry_after_at=possible_at)

    report("retry_operations", "--when", "possible")

    operation.refresh_from_db()
    assert operation.next_attempt_at == possible_at
    assert not operation.is_probe


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


def test_probe_sends_one_and_leaves_the_pause() -> None:
    pause = ProviderPauseFactory()
    first, second = (OperationFactory(credential=pause.credential) for _ in range(2))

    assert report("resume_provider", "--probe")[0] == 0

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.is_probe, second.is_probe) == (True, False)
    assert pauses.paused_credentials() == {pause.credential}


def test_probe_without_a_waiting_operation_says_so() -> None:
    ProviderPauseFactory()

    code, said = report("resume_provider", "--probe")

    assert (code, said["skipped"][0]["reason"]) == (1, "NOTHING_TO_PROBE")


def test_stats_count_states_errors_and_pauses() -> None:
    OperationFactory(failed=True)
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


def test_health_is_good_while_work_moves() -> None:
    WorkerHeartbeatFactory()
    out = StringIO()

    call_command("operations_health", stdout=out)

    assert "workers 1" in out.getvalue()

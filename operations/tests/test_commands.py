"""The operators' commands: filters, reports, exit codes."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from operations.models import Operation
from operations.tests.factories import OperationFactory, WorkerHeartbeatFactory

pytestmark = pytest.mark.django_db


def run(command: str, *arguments: str) -> tuple[int, str]:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command(command, *arguments, stdout=out)
    return int(ended.value.code or 0), out.getvalue()


def report(command: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    code, text = run(command, *arguments, "--json")
    return code, json.loads(text)


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


def test_bad_duration_is_a_usage_error() -> None:
    with pytest.raises(CommandError):
        call_command("retry_operations", "--older-than", "soon")


def test_cancel_takes_what_is_unfinished() -> None:
    pending = OperationFactory()
    OperationFactory(completed=True)

    code, said = report("cancel_operations")

    assert (code, said["matched"]) == (0, 1)
    pending.refresh_from_db()
    assert pending.status == Operation.Status.CANCELLED


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

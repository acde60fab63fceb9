"""Retry and cancel: from which states, by whom, and that no click counts twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from operations import services
from operations.models import Attempt, Operation
from operations.refusals import (
    NotCancellable,
    NotRetryable,
    OperationInProgress,
    OperationNotFound,
    TooManyOperations,
)
from operations.tests.factories import AttemptFactory, OperationFactory, UserFactory

pytestmark = pytest.mark.django_db

RETRYABLE = ["failed", "cancelled"]
NOT_RETRYABLE = ["pending", "running", "completed"]


def operation_in(status: str) -> Operation:
    return OperationFactory() if status == "pending" else OperationFactory(**{status: True})


@pytest.mark.parametrize("status", RETRYABLE)
def test_retry_starts_a_new_run_on_the_same_row(status: str) -> None:
    operation = operation_in(status)

    services.retry_operation(operation_id=operation.pk, door="api")

    operation.refresh_from_db()
    assert operation.status == Operation.Status.PENDING
    assert (operation.run, operation.run_attempts, operation.losses) == (2, 0, 0)
    assert (operation.error_code, operation.error_category) == ("", "")
    assert operation.fence == 2


@pytest.mark.parametrize("status", NOT_RETRYABLE)
def test_retry_is_refused_in_any_other_state(status: str) -> None:
    operation = operation_in(status)

    with pytest.raises(NotRetryable):
        services.retry_operation(operation_id=operation.pk, door="api")

    operation.refresh_from_db()
    assert (operation.status, operation.run) == (status, 1)


def test_second_click_on_retry_is_refused() -> None:
    operation = operation_in("failed")
    services.retry_operation(operation_id=operation.pk, door="page")

    with pytest.raises(NotRetryable):
        services.retry_operation(operation_id=operation.pk, door="admin")

    assert operation.events.filter(name="operation.retried").count() == 1


def test_retry_says_who_did_it_and_where() -> None:
    operator = UserFactory()
    operation = operation_in("failed")

    services.retry_operation(operation_id=operation.pk, actor=operator, door="admin")

    event = operation.events.get()
    assert (event.name, event.actor, event.door) == ("operation.retried", operator, "admin")
    assert (event.from_status, event.to_status) == ("failed", "pending")


def test_retry_when_possible_waits_for_the_named_time() -> None:
    at = timezone.now() + timedelta(minutes=3)
    operation = OperationFactory(failed=True, error_code="RATE_LIMIT_EXCEEDED", retry_after_at=at)

    services.retry_operation(operation_id=operation.pk, door="api", when="possible")

    operation.refresh_from_db()
    assert operation.next_attempt_at == at
    assert operation.waiting_reason == Operation.Waiting.RATE_LIMITED
    assert not operation.is_probe


def test_retry_beside_an_unfinished_twin_is_refused() -> None:
    failed = operation_in("failed")
    twin = OperationFactory(
        kind=failed.kind, subject_type=failed.subject_type, subject_id=failed.subject_id
    )

    with pytest.raises(OperationInProgress) as refusal:
        services.retry_operation(operation_id=failed.pk, door="api")

    assert refusal.value.existing_id == twin.pk
    failed.refresh_from_db()
    assert failed.status == Operation.Status.FAILED


def test_pending_operation_is_cancelled_at_once() -> None:
    operation = operation_in("pending")

    services.cancel_operation(operation_id=operation.pk, door="page")

    operation.refresh_from_db()
    assert operation.status == Operation.Status.CANCELLED
    assert operation.finished_at is not None


def test_running_operation_is_asked_to_stop() -> None:
    operation = operation_in("running")

    services.cancel_operation(operation_id=operation.pk, door="page")

    operation.refresh_from_db()
    assert operation.status == Operation.Status.RUNNING
    assert operation.cancel_requested_at is not None


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_ended_operation_cannot_be_cancelled(status: str) -> None:
    operation = operation_in(status)

    with pytest.raises(NotCancellable):
        services.cancel_operation(operation_id=operation.pk, door="page")


def test_operations_of_a_deleted_session_are_cancelled_and_shut_out() -> None:
    running = operation_in("running")
    AttemptFactory(operation=running, number=1, fence=running.fence, running=True)
    pending = OperationFactory(session_id=running.session_id, kind="session_summary")
    other = operation_in("pending")

    assert running.session_id
    cancelled = services.cancel_session_operations(
        session_id=running.session_id, actor=None, door="page"
    )

    assert cancelled == 2
    running.refresh_from_db()
    pending.refresh_from_db()
    other.refresh_from_db()
    assert (running.status, pending.status, other.status) == ("cancelled", "cancelled", "pending")
    assert running.fence == 2
    assert running.attempt_ledger.get().outcome == Attempt.Outcome.CANCELLED


def test_operation_that_does_not_exist_is_not_found() -> None:
    missing = OperationFactory.build().pk

    with pytest.raises(OperationNotFound):
        services.retry_operation(operation_id=missing, door="api")


def test_a_persons_own_retry_counts_against_their_limit(settings: Settings) -> None:
    settings.MAX_UNFINISHED_OPERATIONS_PER_USER = 1
    person = UserFactory()
    OperationFactory(owner=person)
    failed = OperationFactory(failed=True, owner=person)

    with pytest.raises(TooManyOperations):
        services.retry_operation(operation_id=failed.pk, actor=person, door="api")

    failed.refresh_from_db()
    assert failed.status == Operation.Status.FAILED


def test_the_last_free_place_is_free_for_a_retry(settings: Settings) -> None:
    settings.MAX_UNFINISHED_OPERATIONS_PER_USER = 1
    person = UserFactory()
    failed = OperationFactory(failed=True, owner=person)

    services.retry_operation(operation_id=failed.pk, actor=person, door="api")

    failed.refresh_from_db()
    assert failed.status == Operation.Status.PENDING


def test_an_operator_clears_up_beyond_the_persons_limit(settings: Settings) -> None:
    settings.MAX_UNFINISHED_OPERATIONS_PER_USER = 1
    person = UserFactory()
    OperationFactory(owner=person)
    failed = OperationFactory(failed=True, owner=person)

    services.retry_operation(operation_id=failed.pk, actor=UserFactory(), door="admin")

    failed.refresh_from_db()
    assert failed.status == Operation.Status.PENDING

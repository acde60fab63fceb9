"""A session is deleted, its operations stay: nothing can be asked for them any more."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from interview_app.services import delete_session, start_session
from interview_app.tests.engine import run_what_is_due
from operations.console import bulk
from operations.models import Operation
from operations.services import cancel_operation

pytestmark = pytest.mark.django_db(transaction=True)


def operation_without_session(alice: User) -> Operation:
    session, operation = start_session(owner=alice, role="Engineer")
    cancel_operation(operation_id=operation.pk, actor=alice, door="page")
    delete_session(session=session, actor=alice)
    operation.refresh_from_db()
    return operation


def test_a_retry_of_what_was_deleted_is_refused_in_words(alice: User, client: Client) -> None:
    operation = operation_without_session(alice)
    client.force_login(alice)

    answer = client.post(
        f"/api/v1/operations/{operation.pk}/retry/", content_type="application/json"
    )

    assert answer.status_code == 409
    assert answer.json()["code"] == "NOT_RETRYABLE"
    assert "deleted" in answer.json()["detail"]
    operation.refresh_from_db()
    assert operation.status == Operation.Status.CANCELLED


def test_the_page_says_that_it_was_deleted(alice: User, client: Client) -> None:
    operation = operation_without_session(alice)
    client.force_login(alice)

    page = client.post(reverse("retry_operation", args=[operation.pk]), follow=True)

    assert "has been deleted" in page.content.decode()


def test_a_retry_that_met_the_deletion_ends_cancelled_and_is_no_fault_of_ours(alice: User) -> None:
    """Both passed their looks before the other's commit: the worker is the first to notice."""
    operation = operation_without_session(alice)
    session, _ = start_session(owner=alice, role="Engineer")
    Operation.objects.filter(pk=operation.pk).update(status="pending", finished_at=None)

    run_what_is_due()

    operation.refresh_from_db()
    assert (operation.status, operation.error_code, operation.attempts) == ("cancelled", "", 0)
    assert session.questions.exists()


def test_a_bulk_retry_says_which_cannot_be_retried_any_more(alice: User) -> None:
    operation = operation_without_session(alice)
    action = bulk.draft(
        verb="retry", operations=Operation.objects.filter(pk=operation.pk), actor=alice
    )

    plan = bulk.dry_run(action)

    assert plan.eligible == 0
    (skipped,) = plan.skipped
    assert (skipped.code, skipped.count) == ("NOT_RETRYABLE", 1)
    assert "deleted" in skipped.reason

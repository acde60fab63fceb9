"""What an operator sees of operations, and that nothing there runs code or edits state."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from operations import pauses
from operations.models import ProviderPause
from operations.tests.factories import (
    AttemptFactory,
    OperationFactory,
    ProviderPauseFactory,
    UserFactory,
    WorkerHeartbeatFactory,
)

pytestmark = pytest.mark.django_db

CHANGELIST = "/admin/operations/operation/"


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(
        get_user_model().objects.create_superuser("ops", "ops@example.org", "correct horse")
    )
    return client


def test_failed_operations_are_listed_with_their_message(operator: Client) -> None:
    OperationFactory(failed=True, error_code="QUOTA_EXCEEDED", owner=UserFactory())
    OperationFactory(completed=True)

    page = operator.get(CHANGELIST, {"status__exact": "failed"})

    assert page.context["cl"].result_count == 1
    assert "QUOTA_EXCEEDED" in page.content.decode()


def test_list_can_be_narrowed_to_one_error_category(operator: Client) -> None:
    OperationFactory(failed=True, error_code="QUOTA_EXCEEDED")
    OperationFactory(failed=True, error_code="SERVER_ERROR")

    page = operator.get(CHANGELIST, {"error_category__exact": "server_error"})

    assert page.context["cl"].result_count == 1


def test_operation_page_shows_every_attempt_and_the_remedy(operator: Client) -> None:
    operation = OperationFactory(failed=True, error_code="INVALID_API_KEY")
    AttemptFactory(operation=operation, provider_request_id="req_0123")

    text = operator.get(f"{CHANGELIST}{operation.pk}/change/").content.decode()

    assert "req_0123" in text
    assert "OPENAI_API_KEY" in text, "the remedy names the variable"
    assert f"{operation.pk}/retry/" in text


def test_completed_operation_offers_no_retry(operator: Client) -> None:
    operation = OperationFactory(completed=True)

    text = operator.get(f"{CHANGELIST}{operation.pk}/change/").content.decode()

    assert "/retry/" not in text


def test_operations_cannot_be_edited_added_or_deleted(operator: Client) -> None:
    operation = OperationFactory(failed=True)
    path = f"{CHANGELIST}{operation.pk}/"

    assert operator.post(f"{path}change/", {"status": "completed"}).status_code == 403
    assert operator.get(f"{path}delete/").status_code == 403
    assert operator.get(f"{CHANGELIST}add/").status_code == 403


def test_list_needs_the_same_queries_for_many_rows(
    operator: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    OperationFactory.create_batch(40, failed=True, owner=UserFactory())

    with django_assert_max_num_queries(22):
        operator.get(CHANGELIST)


def test_paused_credential_is_shown_and_can_be_resumed(operator: Client) -> None:
    pause = ProviderPauseFactory()
    url = "/admin/operations/providerpause/"
    assert pause.credential in operator.get(url).content.decode()

    operator.post(url, {"action": "resume_selected", "_selected_action": [pause.pk]})

    assert pauses.paused_credentials() == set()
    assert ProviderPause.objects.get().resumed_by.get_username() == "ops"


def test_workers_are_listed(operator: Client) -> None:
    WorkerHeartbeatFactory(hostname="worker-7.example.org")

    page = operator.get("/admin/operations/workerheartbeat/").content.decode()

    assert "worker-7.example.org" in page


def test_pages_of_django_q_are_not_registered() -> None:
    registered = {model._meta.app_label for model in admin.site._registry}

    assert "django_q" not in registered
    assert "operations" in registered

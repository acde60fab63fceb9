"""Idempotency-Key: sent again means made once."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from operations.models import IdempotencyKey, Operation, OperationEvent
from operations.tests.api_client import api_client, assert_problem, grant
from operations.tests.factories import OperationFactory, UserFactory

pytestmark = pytest.mark.django_db


def retry(client: APIClient, operation: Operation, key: str, when: str = "now") -> Any:
    return client.post(
        f"/api/v1/operations/{operation.pk}/retry/",
        {"when": when},
        headers={"idempotency-key": key},
    )


@pytest.fixture
def alice() -> User:
    return UserFactory(username="alice")


@pytest.fixture
def failed(alice: User) -> Operation:
    return OperationFactory(failed=True, owner=alice)


def test_same_key_and_body_get_the_same_answer(alice: User, failed: Operation) -> None:
    client = api_client(alice)

    first, second = retry(client, failed, "k1"), retry(client, failed, "k1")

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert first["Location"] == second["Location"]
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert OperationEvent.objects.filter(name="operation.retried").count() == 1


def test_replay_shows_the_object_as_it_is_now(alice: User, failed: Operation) -> None:
    client = api_client(alice)
    retry(client, failed, "k1")
    client.post(f"/api/v1/operations/{failed.pk}/cancel/")

    assert retry(client, failed, "k1").json()["status"] == "cancelled"


def test_what_is_stored_is_user_route_key_digest_and_id(alice: User, failed: Operation) -> None:
    retry(api_client(alice), failed, "k1")

    row = IdempotencyKey.objects.get()
    assert (row.user, row.key, row.status_code) == (alice, "k1", 202)
    assert row.route == f"/api/v1/operations/{failed.pk}/retry/"
    assert row.object_id == str(failed.pk)
    assert row.body_sha256 == hashlib.sha256(b'{"when":"now"}').hexdigest()


def test_same_key_with_another_body_is_refused(alice: User, failed: Operation) -> None:
    client = api_client(alice)
    retry(client, failed, "k1")

    response = retry(client, failed, "k1", when="possible")

    assert_problem(response, 422, "IDEMPOTENCY_KEY_REUSED")


def test_same_key_means_something_else_for_somebody_else(alice: User, failed: Operation) -> None:
    bob = UserFactory()
    retry(api_client(alice), failed, "k1")

    response = retry(api_client(bob), OperationFactory(failed=True, owner=bob), "k1")

    assert response.status_code == 202
    assert "Idempotent-Replayed" not in response


def test_same_key_means_something_else_on_another_route(alice: User, failed: Operation) -> None:
    client = api_client(alice)
    retry(client, failed, "k1")

    response = retry(client, OperationFactory(failed=True, owner=alice), "k1")

    assert "Idempotent-Replayed" not in response


def test_refused_request_leaves_its_key_free(alice: User) -> None:
    client = api_client(alice)
    operation = OperationFactory(owner=alice)
    assert retry(client, operation, "k1").status_code == 409
    assert retry(client, operation, "k1", when="never").status_code == 400
    assert not IdempotencyKey.objects.exists()

    client.post(f"/api/v1/operations/{operation.pk}/cancel/")
    assert retry(client, operation, "k1").status_code == 202


def test_key_is_forgotten_after_a_day(alice: User, failed: Operation) -> None:
    client = api_client(alice)
    retry(client, failed, "k1")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    client.post(f"/api/v1/operations/{failed.pk}/cancel/")

    response = retry(client, failed, "k1", when="possible")

    assert response.status_code == 202
    assert "Idempotent-Replayed" not in response
    assert IdempotencyKey.objects.count() == 1


@pytest.mark.parametrize("key", ["", "   ", "x" * 201])
def test_key_that_cannot_be_kept_is_refused(alice: User, failed: Operation, key: str) -> None:
    body = assert_problem(retry(api_client(alice), failed, key), 400, "VALIDATION_ERROR")

    assert body["errors"][0]["field"] == "Idempotency-Key"


def test_key_does_not_open_operations_of_others(alice: User, failed: Operation) -> None:
    retry(api_client(alice), failed, "k1")

    assert_problem(retry(api_client(UserFactory()), failed, "k1"), 404, "NOT_FOUND")


@pytest.mark.django_db(transaction=True)
def test_of_twenty_parallel_requests_one_acts_and_all_get_its_answer(
    alice: User, failed: Operation
) -> None:
    clients = [api_client(alice) for _ in range(20)]

    def send(client: APIClient) -> Any:
        try:
            return retry(client, failed, "k1")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=20) as pool:
        responses = list(pool.map(send, clients))

    assert {response.status_code for response in responses} == {202}
    assert sum("Idempotent-Replayed" not in response for response in responses) == 1
    assert OperationEvent.objects.filter(name="operation.retried").count() == 1
    assert IdempotencyKey.objects.count() == 1


def test_replay_shows_nothing_to_who_lost_the_permission(failed: Operation) -> None:
    operator = grant(UserFactory(), "view_operation", "retry_operation")
    first = retry(api_client(operator), failed, "k1")
    operator.user_permissions.clear()

    second = retry(api_client(operator), failed, "k1")

    assert first.status_code == 202
    assert_problem(second, 404, "NOT_FOUND")

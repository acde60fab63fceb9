"""The API and the engine together: what a client sees of an operation that a worker runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from operations.models import Operation
from operations.tests.api_client import api_client
from operations.tests.factories import UserFactory
from operations.tests.fault_server import FaultServer

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Operation]
DrainOnce = Callable[..., None]


@pytest.fixture
def alice() -> User:
    return UserFactory(username="alice")


def shown(client: APIClient, operation: Operation) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"/api/v1/operations/{operation.pk}/").json()
    return body


def test_refused_key_is_reported_and_a_retry_completes_once_it_is_mended(
    alice: User, submit: Submit, provider: FaultServer, drain: DrainOnce
) -> None:
    client = api_client(alice)
    provider.playing = "auth_invalid_api_key"
    operation = submit(owner=alice)
    drain()

    failed = shown(client, operation)
    assert (failed["status"], failed["attempts"]) == ("failed", 1)
    assert (failed["error"]["category"], failed["error"]["code"]) == (
        "authentication",
        "INVALID_API_KEY",
    )
    assert failed["error"]["retryable"] is False

    provider.playing = "ok"
    assert client.post(f"/api/v1/operations/{operation.pk}/retry/").status_code == 202
    drain()

    completed = shown(client, operation)
    assert (completed["status"], completed["attempts"]) == ("completed", 2)
    assert completed["error"] is completed["error_code"] is completed["error_message"] is None


def test_calls_that_failed_stay_in_the_ledger_of_a_completed_operation(
    alice: User, submit: Submit, provider: FaultServer, drain: DrainOnce
) -> None:
    client = api_client(alice)
    provider.playing = "server_500*2,ok"
    operation = submit(owner=alice)
    drain()

    ledger = client.get(f"/api/v1/operations/{operation.pk}/attempts/").json()["results"]

    assert shown(client, operation)["status"] == "completed"
    assert [attempt["outcome"] for attempt in ledger] == ["failed", "failed", "succeeded"]
    assert [attempt["http_status"] for attempt in ledger[:2]] == [500, 500]
    assert [attempt["error_code"] for attempt in ledger] == ["SERVER_ERROR", "SERVER_ERROR", None]


def test_operations_behind_a_refused_key_say_that_they_wait_for_it(
    alice: User, submit: Submit, provider: FaultServer, drain: DrainOnce
) -> None:
    client = api_client(alice)
    provider.playing = "auth_invalid_api_key"
    submit(owner=alice)
    drain()

    waiting = submit(owner=alice)
    drain()

    body = shown(client, waiting)
    assert (body["status"], body["waiting"]["reason"]) == ("pending", "provider_paused")
    assert body["attempts"] == 0

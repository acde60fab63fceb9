"""A pause is one credential's: by a refused key, or by an operator's hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from operations import pauses, queries, services
from operations.credentials import installation_label
from operations.engine import leases
from operations.errors import error_from_code
from operations.models import Operation, ProviderPause
from operations.tests import endings
from operations.tests.factories import OperationFactory, ProviderPauseFactory, UserFactory

pytestmark = pytest.mark.django_db

OWN_KEY = "https://api.example.org/v1#aaaaaaaaaaaa"
PAUSING = ["INVALID_API_KEY", "QUOTA_EXCEEDED", "PERMISSION_DENIED", "BILLING_INACTIVE"]
NOT_PAUSING = ["RATE_LIMIT_EXCEEDED", "SERVER_ERROR", "API_KEY_NOT_CONFIGURED", "REFUSED"]


def fail(code: str, **values: object) -> Operation:
    operation = OperationFactory(running=True, credential=OWN_KEY, **values)
    endings.fail(operation, code)
    return operation


@pytest.mark.parametrize("code", PAUSING)
def test_refused_credential_is_paused(code: str) -> None:
    fail(code)

    assert pauses.paused_credentials() == {OWN_KEY}


@pytest.mark.parametrize("code", NOT_PAUSING)
def test_other_failures_pause_nothing(code: str) -> None:
    fail(code)

    assert pauses.paused_credentials() == set()


def test_verdict_by_message_text_alone_pauses_nothing() -> None:
    operation = OperationFactory(running=True, credential=OWN_KEY)
    error = error_from_code("QUOTA_EXCEEDED", pauses=False)

    endings.fail(operation, error)

    assert pauses.paused_credentials() == set()


def test_second_refusal_opens_no_second_pause() -> None:
    fail("INVALID_API_KEY")
    fail("INVALID_API_KEY")

    assert ProviderPause.objects.count() == 1


def test_own_key_of_one_user_pauses_nobody_else(
    submit: Callable[..., Operation],
) -> None:
    fail("INVALID_API_KEY", own_key=True, owner=UserFactory())
    other = submit()

    assert queries.waiting(other).reason == "queued"
    assert installation_label() not in pauses.paused_credentials()
    assert ProviderPause.objects.get().own_key_owner is not None


def test_operation_behind_a_pause_says_why_it_waits() -> None:
    ProviderPauseFactory(credential=OWN_KEY)
    operation = OperationFactory()

    assert queries.waiting(operation).reason == "provider_paused"


def test_operator_can_pause_and_resume_a_credential() -> None:
    operator = UserFactory()

    assert services.pause_provider(credential=OWN_KEY, actor=operator)
    assert not services.pause_provider(credential=OWN_KEY, actor=operator)
    assert pauses.paused_credentials() == {OWN_KEY}

    assert services.resume_provider(credential=OWN_KEY, actor=operator)
    assert not services.resume_provider(credential=OWN_KEY, actor=operator)
    assert pauses.paused_credentials() == set()


def test_pause_by_hand_is_not_probed_away() -> None:
    services.pause_provider(credential=OWN_KEY)
    services.pause_provider(credential=installation_label())
    OperationFactory(queued_at=timezone.now() - timedelta(days=1))

    assert leases.sweep().probes == 0

"""Retry with another model: the next run asks it, and the one after asks the usual one again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from operations.models import Operation
from operations.services import cancel_operation, retry_operation
from operations.tests.fault_server import FaultServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_model_of_a_retry_is_asked_in_that_run_alone(
    provider: FaultServer, submit: Callable[..., Operation], drain: Callable[..., None]
) -> None:
    operation = submit()
    cancel_operation(operation_id=operation.pk, door="admin")

    retry_operation(operation_id=operation.pk, door="admin", model="gpt-6-sol")
    cancel_operation(operation_id=operation.pk, door="admin")
    retry_operation(operation_id=operation.pk, door="admin", model="gpt-6-terra")
    drain()

    asked = [attempt.model for attempt in operation.attempt_ledger.all()]
    assert asked == ["gpt-6-terra"]
    operation.refresh_from_db()
    assert operation.model == "gpt-6-terra", "the provider names the model that it was asked"


def test_retry_without_a_model_asks_the_usual_one(submit: Callable[..., Operation]) -> None:
    operation = submit()
    cancel_operation(operation_id=operation.pk, door="admin")
    retry_operation(operation_id=operation.pk, door="admin", model="gpt-6-sol")
    cancel_operation(operation_id=operation.pk, door="admin")

    retry_operation(operation_id=operation.pk, door="admin")

    operation.refresh_from_db()
    assert operation.parameters == {}

"""What is committed when an operation is submitted, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction
from pytest_django import Settings

from operations.kinds import UnknownKind
from operations.models import Operation
from operations.refusals import OperationInProgress, TooManyOperations
from operations.services import complete_without_call, submit_operation
from operations.tests.factories import OperationFactory, UserFactory

pytestmark = pytest.mark.django_db

Submit = Callable[..., Operation]


def test_submitted_operation_is_pending_with_its_history(submit: Submit) -> None:
    operation = submit()

    assert operation.status == Operation.Status.PENDING
    assert [event.name for event in operation.events.all()] == ["operation.created"]
    assert operation.attempt_ledger.count() == 0


@pytest.mark.django_db(transaction=True)
def test_rolled_back_submission_leaves_nothing(submit: Submit) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        submit()
        raise ZeroDivisionError

    assert not Operation.objects.exists()


def test_second_unfinished_operation_for_a_subject_is_refused(submit: Submit) -> None:
    first = submit(subject_id="one")

    with pytest.raises(OperationInProgress) as refusal:
        submit(subject_id="one")

    assert refusal.value.existing_id == first.pk


def test_finished_operation_does_not_block_the_next(submit: Submit) -> None:
    OperationFactory(kind="judgement", subject_type="test", subject_id="one", completed=True)

    assert submit(subject_id="one").status == Operation.Status.PENDING


def test_owner_beyond_the_limit_is_refused(submit: Submit, settings: Settings) -> None:
    settings.MAX_UNFINISHED_OPERATIONS_PER_USER = 2
    owner = UserFactory()
    submit(owner=owner)
    submit(owner=owner)

    with pytest.raises(TooManyOperations):
        submit(owner=owner)

    assert submit(owner=UserFactory()).status == Operation.Status.PENDING


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(UnknownKind):
        submit_operation(kind="nonsense", subject_type="test", subject_id="1", door="api")


def test_operation_without_call_is_completed_with_no_attempts(judgement: object) -> None:
    operation = complete_without_call(
        kind="judgement", subject_type="test", subject_id="1", door="api"
    )

    assert operation.status == Operation.Status.COMPLETED
    assert operation.attempts == 0
    assert operation.finished_at is not None

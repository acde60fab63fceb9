"""Many operations at once: frozen when drafted, counted before, each item's outcome kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from operations.console import bulk
from operations.models import BulkAction, BulkItem, Operation
from operations.tests.factories import OperationFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> User:
    user: User = UserFactory(is_staff=True)
    return user


def drafted(verb: str, actor: User) -> BulkAction:
    return bulk.draft(verb=verb, operations=Operation.objects.all(), actor=actor)


def run_to_the_end(action: BulkAction, **options: Any) -> dict[str, int]:
    assert bulk.start(action, **options)
    action.refresh_from_db()
    while bulk.run_due():
        pass
    return bulk.outcomes(action)


def test_draft_changes_nothing(operator: User) -> None:
    operation = OperationFactory(failed=True)

    drafted("retry", operator)
    bulk.run_due()

    operation.refresh_from_db()
    assert operation.status == Operation.Status.FAILED


def test_what_fails_after_the_draft_is_not_part_of_it(operator: User) -> None:
    OperationFactory(failed=True)
    action = drafted("retry", operator)
    later = OperationFactory(failed=True)

    assert run_to_the_end(action)["changed"] == 1
    later.refresh_from_db()
    assert later.status == Operation.Status.FAILED


def test_dry_run_counts_what_would_be_skipped_and_why(operator: User) -> None:
    OperationFactory.create_batch(3, failed=True)
    OperationFactory.create_batch(2, completed=True)
    twin = OperationFactory(failed=True)
    OperationFactory(subject_id=twin.subject_id, session_id=twin.session_id)
    action = drafted("retry", operator)

    plan = bulk.dry_run(action)

    assert (plan.total, plan.eligible) == (7, 3)
    assert {each.code: each.count for each in plan.skipped} == {
        "NOT_RETRYABLE": 3,
        "IN_PROGRESS": 1,
    }


@pytest.mark.parametrize("verb", ["retry", "cancel", "acknowledge"])
def test_dry_run_says_what_then_happens(operator: User, verb: str) -> None:
    OperationFactory.create_batch(4, failed=True)
    OperationFactory.create_batch(2)
    OperationFactory(completed=True)
    OperationFactory(cancelled=True)
    action = drafted(verb, operator)
    plan = bulk.dry_run(action)

    outcome = run_to_the_end(action)

    assert outcome["changed"] == plan.eligible > 0
    assert outcome["skipped"] == sum(each.count for each in plan.skipped)


def test_what_will_fail_again_is_named_with_its_remedy(operator: User) -> None:
    OperationFactory.create_batch(2, failed=True, error_code="MODEL_NOT_FOUND")
    OperationFactory(failed=True)

    (doubtful,) = bulk.dry_run(drafted("retry", operator)).doubtful

    assert (doubtful.error_code, doubtful.count) == ("MODEL_NOT_FOUND", 2)
    assert "OPENAI_MODEL" in doubtful.remedy


def test_each_item_keeps_its_outcome_and_the_reason(operator: User) -> None:
    failed = OperationFactory(failed=True)
    gone = OperationFactory(failed=True)
    done = OperationFactory(completed=True)
    action = drafted("retry", operator)
    Operation.objects.filter(pk=gone.pk).delete()

    run_to_the_end(action)

    items = {item.operation_id: (item.outcome, item.reason) for item in action.items.all()}
    assert items == {
        failed.pk: ("changed", ""),
        gone.pk: ("skipped", "NOT_FOUND"),
        done.pk: ("skipped", "NOT_RETRYABLE"),
    }
    action.refresh_from_db()
    assert action.state == BulkAction.State.DONE


def test_retry_when_possible_does_not_overrun_a_paused_credential(operator: User) -> None:
    now_one, later_one = OperationFactory.create_batch(2, failed=True)

    for operation, when in ((now_one, "now"), (later_one, "possible")):
        action = bulk.draft(
            verb="retry", operations=Operation.objects.filter(pk=operation.pk), actor=operator
        )
        run_to_the_end(action, when=when)

    assert Operation.objects.get(pk=now_one.pk).is_probe
    assert not Operation.objects.get(pk=later_one.pk).is_probe


def test_action_is_started_once(operator: User) -> None:
    OperationFactory(failed=True)
    action = drafted("retry", operator)

    assert bulk.start(action)
    assert not bulk.start(action)


def test_stopped_action_leaves_the_rest_as_it_is(operator: User) -> None:
    OperationFactory.create_batch(3, failed=True)
    action = drafted("retry", operator)
    bulk.start(action)

    assert bulk.stop(action)
    assert bulk.run_due() == 0

    assert bulk.outcomes(action)["waiting"] == 3


def test_spread_lets_only_so_many_through(operator: User) -> None:
    OperationFactory.create_batch(4, failed=True)
    action = drafted("retry", operator)
    bulk.start(action, spread_seconds=600)
    BulkAction.objects.update(started_at=timezone.now() - timedelta(seconds=290))

    bulk.run_due()

    assert bulk.outcomes(action)["changed"] == 2


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, 0), (1, 1), (300, 60), (600, 120), (9000, 120)]
)
def test_spread_is_even(seconds: int, expected: int) -> None:
    begin = timezone.now()

    now = begin + timedelta(seconds=seconds)

    assert bulk.allowed(120, begin, 600, now) == expected


def test_note_of_an_acknowledgement_is_masked(operator: User) -> None:
    OperationFactory(failed=True)
    key = "sk-proj-" + "a1B2" * 10

    run_to_the_end(drafted("acknowledge", operator), note=f"key {key} was wrong")

    operation = Operation.objects.get()
    assert key not in operation.acknowledgement
    assert operation.acknowledged_by == operator


def test_retry_clears_the_acknowledgement(operator: User) -> None:
    OperationFactory(failed=True)
    run_to_the_end(drafted("acknowledge", operator), note="seen")

    run_to_the_end(drafted("retry", operator))

    operation = Operation.objects.get()
    assert (operation.acknowledged_at, operation.acknowledgement) == (None, "")
    assert [event.name for event in operation.events.order_by("id")] == [
        "operation.acknowledged",
        "operation.retried",
    ]


def test_old_drafts_are_forgotten(operator: User) -> None:
    OperationFactory(failed=True)
    drafted("retry", operator)
    BulkAction.objects.update(created_at=timezone.now() - timedelta(days=2))

    drafted("retry", operator)

    assert BulkAction.objects.count() == BulkItem.objects.count() == 1

"""Only what nobody asks for any more is forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.timezone import now
from pytest_django import Settings

from operations.models import (
    Alert,
    Attempt,
    BulkAction,
    BulkItem,
    IdempotencyKey,
    Operation,
    OperationEvent,
    ProviderCapability,
    ProviderPause,
    ProviderRate,
    WorkerRestart,
)
from operations.tests.factories import (
    AttemptFactory,
    OperationEventFactory,
    OperationFactory,
    ProviderPauseFactory,
    ProviderRateFactory,
    UserFactory,
)
from operations.workers import pruning

pytestmark = pytest.mark.django_db


def test_idempotency_key_is_kept_for_a_day() -> None:
    user = UserFactory()
    for key, age in (("young", timedelta(hours=23)), ("old", timedelta(hours=25))):
        row = IdempotencyKey.objects.create(
            user=user, route="sessions", key=key, body_sha256="0" * 64, object_id="1"
        )
        IdempotencyKey.objects.filter(pk=row.pk).update(created_at=timezone.now() - age)

    assert pruning.prune_idempotency_keys() == 1
    assert IdempotencyKey.objects.get().key == "young"


DAYS = 30
OLD = timedelta(days=DAYS + 1)

PRUNED = (Attempt, OperationEvent, BulkItem, BulkAction, ProviderPause, Alert, WorkerRestart)


def history(*, ended_ago: timedelta, written_ago: timedelta) -> Operation:
    """An operation with what is kept of its life, and what else an installation writes."""
    at = now() - written_ago
    operation = OperationFactory(failed=True, finished_at=now() - ended_ago)
    AttemptFactory(operation=operation, finished_at=at)
    OperationEventFactory(operation=operation, at=at)
    action = BulkAction.objects.create(verb="retry", state="done", finished_at=now() - ended_ago)
    BulkItem.objects.create(action=action, operation_id=operation.pk)
    ProviderPauseFactory(credential=str(operation.pk), resumed_at=now() - ended_ago)
    alert = {"opened_at": at, "seen_at": at, "resolved_at": now() - ended_ago}
    Alert.objects.create(condition="disk", subject=str(operation.pk), **alert)
    restart = WorkerRestart.objects.create(supervisor="s", reason="died")
    WorkerRestart.objects.filter(pk=restart.pk).update(at=now() - ended_ago)
    return operation


def left() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in PRUNED}


def prune_all() -> None:
    for _ in range(20):
        pruning.prune()


def test_history_goes_with_its_operation_s_age_and_the_operation_stays(settings: Settings) -> None:
    settings.RETENTION_DAYS = DAYS
    history(ended_ago=OLD, written_ago=OLD)
    history(ended_ago=timedelta(days=1), written_ago=timedelta(days=1))

    prune_all()

    assert left() == dict.fromkeys((model.__name__ for model in PRUNED), 1)
    assert Operation.objects.count() == 2


def test_ledger_of_what_was_retried_lately_stays_whole(settings: Settings) -> None:
    settings.RETENTION_DAYS = DAYS
    history(ended_ago=timedelta(days=1), written_ago=OLD)

    prune_all()

    assert (Attempt.objects.count(), OperationEvent.objects.count()) == (1, 1)


def test_without_a_limit_history_stays_for_ever(settings: Settings) -> None:
    settings.RETENTION_DAYS = 0
    history(ended_ago=100 * OLD, written_ago=100 * OLD)

    prune_all()

    assert set(left().values()) == {1}


def test_a_run_deletes_a_portion_at_most(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RETENTION_DAYS = DAYS
    monkeypatch.setattr(pruning, "PORTION", 2)
    operation = history(ended_ago=OLD, written_ago=OLD)
    for _ in range(4):
        AttemptFactory(operation=operation, finished_at=now() - OLD)

    pruning.prune()

    assert Attempt.objects.count() == 3


def test_what_has_expired_is_forgotten_whatever_the_retention(settings: Settings) -> None:
    settings.RETENTION_DAYS = 0
    ago, ahead = now() - timedelta(hours=1), now() + timedelta(hours=1)
    for credential, expires_at in (("old", ago), ("young", ahead)):
        ProviderRateFactory(credential=credential, expires_at=expires_at)
        ProviderCapability.objects.create(
            credential=credential, model="m", rung="prompt", learned_at=ago, expires_at=expires_at
        )

    pruning.prune()

    assert ProviderRate.objects.get().credential == "young"
    assert ProviderCapability.objects.get().credential == "young"

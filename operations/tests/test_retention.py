"""Only what nobody asks for any more is forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from operations.models import IdempotencyKey
from operations.tests.factories import UserFactory
from operations.workers import chores

pytestmark = pytest.mark.django_db


def test_idempotency_key_is_kept_for_a_day() -> None:
    user = UserFactory()
    for key, age in (("young", timedelta(hours=23)), ("old", timedelta(hours=25))):
        row = IdempotencyKey.objects.create(
            user=user, route="sessions", key=key, body_sha256="0" * 64, object_id="1"
        )
        IdempotencyKey.objects.filter(pk=row.pk).update(created_at=timezone.now() - age)

    assert chores.prune_idempotency_keys() == 1
    assert IdempotencyKey.objects.get().key == "young"

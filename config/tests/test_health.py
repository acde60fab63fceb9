from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from operations.models import WorkerHeartbeat

pytestmark = pytest.mark.django_db


def beat(*, expires_in_seconds: float) -> None:
    now = timezone.now()
    WorkerHeartbeat.objects.create(
        id=uuid.uuid4(),
        hostname="worker-1",
        pid=4242,
        started_at=now,
        beat_at=now,
        expires_at=now + timedelta(seconds=expires_in_seconds),
    )


def test_process_that_answers_is_alive(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_ready_with_database_migrations_and_a_worker(client: Client) -> None:
    beat(expires_in_seconds=30)

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "checks": {"database": "ok", "broker": "ok", "worker": "ok"},
    }


@pytest.mark.parametrize("beats", [False, True], ids=["no beat", "a beat that has expired"])
def test_without_a_worker_answers_are_still_saved_so_it_is_ready(
    beats: bool, client: Client
) -> None:
    if beats:
        beat(expires_in_seconds=-1)

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json()["status"] == "degraded"


def test_without_its_broker_work_is_only_slower_so_it_is_ready(
    client: Client, settings: Settings, free_port: int
) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port}/0"

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json()["checks"]["broker"].startswith("unreachable")


def test_not_ready_while_a_migration_is_missing(client: Client) -> None:
    MigrationRecorder.Migration.objects.filter(app="operations").delete()

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["checks"] == {"database": "migrations missing"}


def test_health_is_asked_not_changed(client: Client) -> None:
    assert client.post("/healthz").status_code == 405

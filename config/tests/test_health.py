from __future__ import annotations

import contextlib
import shutil
import sqlite3
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from operations.models import Limit, WorkerHeartbeat
from operations.tests.factories import AttemptFactory
from operations.tests.private_redis import PrivateRedis

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
    body = response.json()
    names = ("database", "disk", "room", "broker", "worker", "provider", "alerts")
    assert body["status"] == "ok"
    assert body["checks"] == dict.fromkeys(names, "ok")
    assert set(body["seconds"]) == set(names)
    assert not Limit.objects.exists(), "what it writes it takes back"


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
    assert response.json()["checks"]["broker"].startswith("unusable")


@pytest.mark.redis
@pytest.mark.parametrize("fault", [PrivateRedis.hang, PrivateRedis.fill])
def test_broker_that_only_seems_to_live_is_told(
    fault: Callable[[PrivateRedis], None], client: Client, settings: Settings
) -> None:
    with PrivateRedis() as server:
        settings.REDIS_URL = server.url
        fault(server)

        response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert response.json()["seconds"]["broker"] < 3


class Disk(NamedTuple):
    free: int


@pytest.mark.parametrize(
    ("free", "status"), [(0, 503), (100 * 1024 * 1024, 200)], ids=["full", "nearly full"]
)
def test_room_on_the_disk_is_looked_at(
    free: int, status: int, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("a server has a disk of its own")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(free))
    beat(expires_in_seconds=30)

    response = client.get("/readyz")

    assert response.status_code == status
    assert response.json()["status"] == ("degraded" if free else "unavailable")


@pytest.mark.django_db(transaction=True)
def test_not_ready_while_somebody_holds_the_write_lock(client: Client) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has no lock on the whole database")
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    with contextlib.closing(other):
        other.execute("BEGIN IMMEDIATE")
        response = client.get("/readyz")
        other.execute("ROLLBACK")

    assert response.status_code == 503
    assert response.json()["checks"] == {"database": "takes no writes"}
    assert response.json()["seconds"]["database"] < 10
    assert client.get("/readyz").status_code == 200, "its patience is its own"


def test_not_ready_while_a_migration_is_missing(client: Client) -> None:
    MigrationRecorder.Migration.objects.filter(app="operations").delete()

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["checks"] == {"database": "migrations missing"}


def test_health_is_asked_not_changed(client: Client) -> None:
    assert client.post("/healthz").status_code == 405


def test_degraded_while_the_provider_is_out_of_reach(client: Client) -> None:
    beat(expires_in_seconds=30)
    AttemptFactory.create_batch(10)

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert "10 of the last 10 calls failed" in response.json()["checks"]["provider"]

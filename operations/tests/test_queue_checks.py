"""Each setting of django-q2 that would lose or double work stops `manage.py check`."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as shipped
from django.core.checks import run_checks
from pytest_django import Settings

from operations.workers.queue_checks import sqlite_faults


def found(tag: str = "operations") -> set[str | None]:
    return {message.id for message in run_checks(tags=[tag], include_deployment_checks=False)}


def test_shipped_settings_pass() -> None:
    for tag in ("operations", "admin"):
        assert not {i for i in found(tag) if i and i.startswith("operations.E")}


@pytest.mark.parametrize(
    ("change", "id_"),
    [
        ({"timeout": None}, "operations.E010"),
        ({"timeout": 300}, "operations.E010"),
        ({"retry": 900}, "operations.E011"),
        ({"queue_limit": 50}, "operations.E011"),
        ({"max_attempts": 0}, "operations.E012"),
        ({"ack_failures": False}, "operations.E012"),
        ({"guard_cycle": 0.2}, "operations.E013"),
        ({"workers": 1, "queue_limit": 1}, "operations.E016"),
    ],
    ids=lambda value: str(value),
)
def test_dangerous_setting_is_found(change: dict[str, Any], id_: str, settings: Settings) -> None:
    settings.Q_CLUSTER = shipped.Q_CLUSTER | change

    assert id_ in found()


@pytest.mark.parametrize(
    ("options", "ids"),
    [({}, ["operations.E017"]), ({"transaction_mode": "IMMEDIATE"}, [])],
    ids=["deferred", "immediate"],
)
@pytest.mark.parametrize("engine", ["operations.sqlite", "django.db.backends.sqlite3"])
def test_sqlite_needs_immediate_transactions(
    engine: str, options: dict[str, str], ids: list[str]
) -> None:
    database = {"ENGINE": engine, "OPTIONS": options}

    assert [message.id for message in sqlite_faults(database)] == ids


def test_other_databases_need_no_transaction_mode() -> None:
    assert not list(sqlite_faults({"ENGINE": "django.db.backends.postgresql"}))

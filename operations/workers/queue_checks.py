"""System checks of django-q2's settings and of the database it shares with the ledger.

django-q2 has defaults and combinations that lose or double work without a word; each check names
the one it found and what it would cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.checks import CheckMessage, Error, Tags, register

from operations.dispatch import DRAIN_SECONDS

MARGIN_SECONDS = 60
SQLITE_ENGINES = ("operations.sqlite", "django.db.backends.sqlite3")
EXACT_GUARD_CYCLES = (0.5, 1)
"""The guard ends a hung worker only when its countdown meets exactly 0, which other steps miss."""


@register("operations")
def check_queue(**_: Any) -> list[CheckMessage]:
    return [*_timeouts(), *_limits(), *_guard()]


@register(Tags.database)
def check_sqlite(**_: Any) -> list[CheckMessage]:
    return list(sqlite_faults(settings.DATABASES["default"]))


@register(Tags.admin)
def check_admin(**_: Any) -> list[CheckMessage]:
    """Its pages run any callable that is typed into them."""
    registered = [
        model.__name__
        for model in apps.get_app_config("django_q").get_models()
        if admin.site.is_registered(model)
    ]
    if not registered:
        return []
    return [_error(14, f"the admin shows {', '.join(registered)} of django-q2", "unregister them")]


@register("operations")
def check_tasks(**_: Any) -> list[CheckMessage]:
    """A coroutine among the tasks is fetched for ever and never run."""
    spec = find_spec("operations.tasks")
    assert spec is not None
    assert spec.origin is not None
    # Read, not imported: the tasks import the SDK, which a web process never does.
    source = Path(spec.origin).read_text()
    if "async def" not in source:
        return []
    return [_error(15, "a task is a coroutine function", "write a plain function")]


def _timeouts() -> Iterator[CheckMessage]:
    cluster = settings.Q_CLUSTER
    longest = DRAIN_SECONDS + settings.OPERATIONS_DEADLINE_SECONDS
    timeout, retry = cluster.get("timeout"), cluster.get("retry", 60)
    if timeout is None or timeout < longest:
        yield _error(
            10,
            f"timeout is {timeout}: a drain that works for {longest:g} s would be cut",
            f'"timeout": {longest + MARGIN_SECONDS:g}',
        )
        return
    rounds = cluster.get("queue_limit", cluster["workers"] ** 2) / cluster["workers"] + 1
    if retry < timeout * rounds:
        yield _error(
            11,
            f"retry is {retry}: a message waits up to {timeout * rounds:g} s in a worker's queue"
            " and would be handed out twice",
            f'"retry": {timeout * rounds + MARGIN_SECONDS:g}',
        )


def _limits() -> Iterator[CheckMessage]:
    cluster = settings.Q_CLUSTER
    if cluster.get("max_attempts") != 1 or not cluster.get("ack_failures"):
        yield _error(
            12,
            "a failed message is offered again for ever: the ledger retries, the queue must not",
            '"max_attempts": 1, "ack_failures": True',
        )
    if cluster["workers"] <= settings.OPERATIONS_WORKERS:
        yield _error(
            16,
            "every worker holds a drain: its successor would have to wait for it to end",
            f'"workers": {settings.OPERATIONS_WORKERS + 1}',
        )


def _guard() -> Iterator[CheckMessage]:
    cycle = settings.Q_CLUSTER.get("guard_cycle", 0.5)
    if cycle not in EXACT_GUARD_CYCLES:
        yield _error(
            13, f"guard_cycle is {cycle}: hung workers are never ended", '"guard_cycle": 0.5'
        )


def sqlite_faults(database: Mapping[str, Any]) -> Iterator[CheckMessage]:
    """What is wrong with an entry of DATABASES, if it is SQLite's."""
    if database["ENGINE"] not in SQLITE_ENGINES:
        return
    if database.get("OPTIONS", {}).get("transaction_mode") != "IMMEDIATE":
        yield Error(
            "DATABASES: SQLite without transaction_mode IMMEDIATE: a transaction that reads and"
            " then writes gets “database is locked” at once.",
            hint='"OPTIONS": {"transaction_mode": "IMMEDIATE"}',
            id="operations.E017",
        )


def _error(number: int, what: str, example: str) -> Error:
    return Error(f"Q_CLUSTER: {what}.", hint=f"Example: {example}", id=f"operations.E{number:03}")

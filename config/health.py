"""Two questions a supervisor asks: is this process alive, and may it get work?"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config import draining
from interview_app.models import Answer
from operations import broker
from operations.console import conditions, disk
from operations.database import trouble
from operations.models import Limit, Operation

OK = "ok"
PROBE = "readyz"
PATIENCE_SECONDS = 2
"""For a lock that somebody else holds. Whoever asks has about this patience themselves."""

PLACES = ("room", "worker", "provider", "alerts")


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """503 only for what makes saving an answer impossible, now or in a moment. Without workers
    answers are saved and wait: that is "degraded", with 200, or a load balancer would take the
    pages away as well."""
    checks = Checks()
    if draining.is_draining():
        return checks.response("draining", status=503)
    if not (checks.ask("database", _database_check) and checks.ask("disk", _disk_check)):
        return checks.response("unavailable", status=503)
    checks.ask("broker", _broker_check)
    checks.take_over(_conditions)
    return checks.response("ok" if checks.are_ok else "degraded")


class Checks:
    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._seconds: dict[str, float] = {}

    def ask(self, name: str, check: Callable[[], str]) -> bool:
        began = time.monotonic()
        self._said[name] = said = check()
        self._seconds[name] = round(time.monotonic() - began, 3)
        return said == OK

    def take_over(self, look: Callable[[], dict[str, str]]) -> None:
        """One look that says something at several names."""
        began = time.monotonic()
        said = look()
        seconds = round(time.monotonic() - began, 3)
        self._said |= said
        self._seconds |= dict.fromkeys(said, seconds)

    @property
    def are_ok(self) -> bool:
        return set(self._said.values()) == {OK}

    def response(self, state: str, *, status: int = 200) -> JsonResponse:
        body = {"status": state, "checks": self._said, "seconds": self._seconds}
        return JsonResponse(body, status=status)


def _database_check() -> str:
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "migrations missing"
    except DatabaseError:
        trouble.leave_connection()
        return "unreachable"
    try:
        _write_and_roll_back()
    except DatabaseError:
        trouble.leave_connection()
        return "takes no writes"
    return OK


def _write_and_roll_back() -> None:
    with _little_patience(), transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE_SECONDS}s'")
                # What whoever saves an answer has to lock.
                tables = ", ".join(model._meta.db_table for model in (Operation, Answer))
                cursor.execute(f"LOCK TABLE {tables} IN ROW EXCLUSIVE MODE")
        Limit.objects.create(key=PROBE, rule=PROBE, account="", used_until=0)
        transaction.set_rollback(True)


@contextlib.contextmanager
def _little_patience() -> Iterator[None]:
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        (usual,) = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_SECONDS * 1000}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")


def _disk_check() -> str:
    return OK if disk.has_room_for_database() else "no room for the database"


def _broker_check() -> str:
    """Without Redis the broker is a table of the database that has just answered."""
    fault = broker.fault()
    return f"unusable ({fault}): AI work starts late, or waits" if fault else OK


def _conditions() -> dict[str, str]:
    """What is said at each of PLACES."""
    try:
        found = conditions.current()
    except DatabaseError:
        return dict.fromkeys(PLACES, "unknown")
    said = {place: [each.text for each in found if each.place == place] for place in PLACES}
    return {place: "; ".join(texts) or OK for place, texts in said.items()}

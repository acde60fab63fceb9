"""Two questions a supervisor asks: is this process alive, and may it get work?"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from operations.models import WorkerHeartbeat


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """503 only for what makes saving an answer impossible. Without workers answers are saved and
    wait: that is "degraded", with 200, or a load balancer would take the pages away as well."""
    checks = {"database": _database_check()}
    if checks["database"] != "ok":
        return JsonResponse({"status": "unavailable", "checks": checks}, status=503)
    checks |= {"broker": _broker_check(), "worker": _worker_check()}
    status = "ok" if set(checks.values()) == {"ok"} else "degraded"
    return JsonResponse({"status": status, "checks": checks})


def _database_check() -> str:
    try:
        executor = MigrationExecutor(connection)
    except DatabaseError:
        return "unreachable"
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return "migrations missing" if missing else "ok"


def _broker_check() -> str:
    """Without Redis the broker is a table of the database that has just answered."""
    if not settings.REDIS_URL:
        return "ok"
    address = urlsplit(settings.REDIS_URL)
    try:
        socket.create_connection((address.hostname, address.port or 6379), timeout=1).close()
    except OSError:
        return "unreachable: workers are woken by their sweep alone"
    return "ok"


def _worker_check() -> str:
    beats = WorkerHeartbeat.objects.filter(expires_at__gt=Now()).exists()
    return "ok" if beats else "no worker beats: AI work waits"

"""The first and the last line of a long-running process: what runs here, on what, why it ended."""

from __future__ import annotations

import time
from typing import Any

import structlog
from django.conf import settings
from django.db import connection

from operations.credentials import installation_credential
from operations.errors import AuthenticationError

STARTED = "process.started"
STOPPED = "process.stopped"

# No `operations.events`: the web server says this before there are models.
logger = structlog.get_logger("operations")

_started = time.monotonic()


def started(role: str, **fields: Any) -> None:
    """`role`: worker or web. Names and addresses only: no password, no key."""
    logger.info(
        STARTED,
        role=role,
        version=settings.VERSION,
        database=_database(),
        broker="redis" if settings.REDIS_URL else "database",
        credential=_credential(),
        model=settings.OPENAI_MODEL,
        **fields,
    )


def stopped(role: str, *, reason: str) -> None:
    up = round(time.monotonic() - _started)
    logger.info(STOPPED, role=role, reason=reason, up_seconds=up)


def _database() -> str:
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite {values['NAME']}"
    port = f":{values['PORT']}" if values["PORT"] else ""
    return f"{connection.vendor} {values['HOST']}{port}/{values['NAME']}"


def _credential() -> str | None:
    """What pauses and attempts name it by; None without a key."""
    try:
        return installation_credential().label
    except AuthenticationError:
        return None

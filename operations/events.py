"""Every log event, worded once, and the audit row that goes with it.

`record()` writes an OperationEvent in the caller's transaction and logs the same fact after its
commit, so that a rolled-back change leaves neither.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction

from operations.batch_sql import insert_each
from operations.models import Operation, OperationEvent

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

logger = structlog.get_logger("operations")

CREATED = "operation.created"
CLAIMED = "operation.claimed"
DEFERRED = "operation.deferred"
COMPLETED = "operation.completed"
FAILED = "operation.failed"
CANCEL_REQUESTED = "operation.cancel_requested"
CANCELLED = "operation.cancelled"
RETRIED = "operation.retried"
RESCUED = "operation.rescued"
ACKNOWLEDGED = "operation.acknowledged"
RELEASED = "operation.released"
FENCED = "operation.fenced"
ATTEMPT_FAILED = "attempt.failed"
ATTEMPT_RETRYING = "attempt.retrying"
PROVIDER_PAUSED = "provider.paused"
PROVIDER_PROBED = "provider.probed"
PROVIDER_RESUMED = "provider.resumed"
CONTENT_VIEWED = "content.viewed"
BULK_STARTED = "bulk.started"
BULK_FINISHED = "bulk.finished"
WORKER_STARTED = "worker.started"
WORKER_STOPPED = "worker.stopped"
WORKER_RESTARTED = "worker.restarted"
WAKE_FAILED = "worker.wake_failed"
DATABASE_TROUBLE = "worker.database_trouble"
ALERT_FAILED = "alert.failed"


def operation_fields(operation: Operation) -> dict[str, Any]:
    """What identifies an operation in a log line: ids and codes, never a text of a person."""
    return {
        "operation_id": str(operation.pk),
        "operation_kind": operation.kind,
        "session_id": str(operation.session_id) if operation.session_id else None,
        "user_id": operation.owner_id,
    }


@dataclass(frozen=True)
class Change:
    """One change of one operation. `detail`: codes and numbers."""

    operation: Operation
    from_status: str = ""
    to_status: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def record(
    name: str,
    operation: Operation,
    *,
    at: datetime,
    from_status: str = "",
    to_status: str = "",
    actor: AbstractUser | None = None,
    door: str = "",
    level: int = logging.INFO,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write the event row now and its log line after the commit. `detail`: codes and numbers."""
    change = Change(operation, from_status, to_status, detail or {})
    record_all(name, [change], at=at, actor=actor, door=door, level=level)


def record_all(
    name: str,
    changes: Iterable[Change],
    *,
    at: datetime,
    actor: AbstractUser | None = None,
    door: str = "",
    level: int = logging.INFO,
) -> None:
    """The same for the same change of several operations."""
    changes = list(changes)
    insert_each(
        OperationEvent,
        [
            {
                "operation_id": change.operation.pk,
                "from_status": change.from_status,
                "to_status": change.to_status,
                "fence": change.operation.fence,
                "detail": dict(change.detail),
            }
            for change in changes
        ],
        same={"name": name, "actor_id": actor.pk if actor else None, "door": door, "at": at},
    )
    for change in changes:
        fields = operation_fields(change.operation)
        log_after_commit(name, level=level, **fields, door=door or None, **change.detail)


def log_after_commit(name: str, *, level: int = logging.INFO, **fields: Any) -> None:
    transaction.on_commit(partial(log, name, level=level, **fields), robust=True)


def log(name: str, *, level: int = logging.INFO, **fields: Any) -> None:
    logger.log(level, name, **{key: value for key, value in fields.items() if value is not None})

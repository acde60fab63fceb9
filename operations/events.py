"""Every log event, worded once, and the audit row that goes with it.

`record()` writes an OperationEvent in the caller's transaction and logs the same fact after its
commit, so that a rolled-back change leaves neither.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction

from operations import trace
from operations.database.batch_sql import Statement, insert_statements
from operations.models import Door, Operation, OperationEvent

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
WORKER_DIED = "worker.died"
WAKE_FAILED = "worker.wake_failed"
DATABASE_TROUBLE = "worker.database_trouble"
ALERT_FAILED = "alert.failed"
MAIL_FAILED = "mail.failed"
LIMIT_REACHED = "limit.reached"
LIMITS_IN_MEMORY = "limit.in_memory"
REQUEST_REFUSED = "http.database_trouble"

TOLD_EVERY_SECONDS = 60.0
"""What goes wrong with every request is told once in so long, by each process."""

_told_at: dict[tuple[str, str], float] = {}


def operation_fields(operation: Operation) -> dict[str, Any]:
    """What identifies an operation in a log line: ids and codes, never a text of a person."""
    return {
        "operation_id": str(operation.pk),
        "operation_kind": operation.kind,
        "session_id": str(operation.session_id) if operation.session_id else None,
        "user_id": operation.owner_id,
        # A request's own lines have its own: who retries is not who asked first.
        "request_id": trace.request_id() or operation.request_id or None,
    }


@dataclass(frozen=True)
class Change:
    """One change of one operation. `detail`: codes and numbers."""

    name: str
    operation: Operation
    from_status: str = ""
    to_status: str = ""
    actor: AbstractUser | None = None
    door: str = ""
    level: int = logging.INFO
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
    change = Change(name, operation, from_status, to_status, actor, door, level, detail or {})
    record_all([change], at=at)


def record_all(changes: Sequence[Change], *, at: datetime) -> None:
    """The same for the changes of several operations."""
    for statement in row_statements(changes, at=at):
        statement.run()
    log_all(changes)


def row_statements(changes: Sequence[Change], *, at: datetime) -> list[Statement]:
    asking = trace.request_id()
    return insert_statements(
        OperationEvent,
        [
            {
                "operation_id": change.operation.pk,
                "name": change.name,
                "from_status": change.from_status,
                "to_status": change.to_status,
                "fence": change.operation.fence,
                "actor_id": change.actor.pk if change.actor else None,
                "door": change.door,
                "worker": _worker(change),
                "request_id": asking or change.operation.request_id,
                "detail": dict(change.detail),
            }
            for change in changes
        ],
        same={"at": at},
    )


def _worker(change: Change) -> str:
    return trace.process() if change.door in (Door.WORKER, Door.SWEEP) else ""


def log_all(changes: Iterable[Change]) -> None:
    for change in changes:
        fields = operation_fields(change.operation) | {"door": change.door or None}
        fields["worker"] = _worker(change) or None
        log_after_commit(change.name, level=change.level, **fields, **change.detail)


def log_after_commit(name: str, *, level: int = logging.INFO, **fields: Any) -> None:
    transaction.on_commit(partial(log, name, level=level, **fields), robust=True)


def log(name: str, *, level: int = logging.INFO, **fields: Any) -> None:
    logger.log(level, name, **{key: value for key, value in fields.items() if value is not None})


def log_seldom(name: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Once in TOLD_EVERY_SECONDS as long as it says the same. `fields`: codes."""
    now, said = time.monotonic(), (name, repr(fields))
    if now - _told_at.get(said, -TOLD_EVERY_SECONDS) >= TOLD_EVERY_SECONDS:
        _told_at[said] = now
        log(name, level=level, **fields)


def forget() -> None:
    """What was told by this process. For tests."""
    _told_at.clear()

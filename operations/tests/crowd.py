"""Many operations at once, as an installation has them after a bad day. For lists and speed."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F, Model
from django.utils import timezone

from operations.errors import category_of
from operations.models import Attempt, Operation, OperationEvent

KINDS = (
    ("question_generation", "session"),
    ("feedback_analysis", "answer"),
    ("session_summary", "session"),
)
DETAILS = {
    "SERVER_ERROR": "HTTP 503, service_unavailable_error, overloaded",
    "TIMEOUT": "APITimeoutError < ReadTimeout < TimeoutError",
    "RATE_LIMIT_EXCEEDED": "HTTP 429, requests, rate_limit_exceeded",
    "INVALID_API_KEY": "HTTP 401, invalid_request_error, invalid_api_key",
    "QUOTA_EXCEEDED": "HTTP 429, insufficient_quota",
    "SCHEMA_MISMATCH": "at questions.{number}.competency",
}
"""As the engine writes them: codes and places, no sentence of a provider."""
STATUSES = {
    "SERVER_ERROR": 503,
    "RATE_LIMIT_EXCEEDED": 429,
    "QUOTA_EXCEEDED": 429,
    "INVALID_API_KEY": 401,
}
RETRIED = ("SERVER_ERROR", "TIMEOUT")
COPIES = {
    "sqlite": ("{0}", "printf('%04x', copy)"),
    "postgresql": ("replace(CAST({0} AS text), '-', '')", "lpad(to_hex(copy), 4, '0')"),
}
"""An id's digits, and four digits that number a copy."""


def make_failed(
    code: str,
    count: int,
    *,
    ago: timedelta,
    spread: timedelta,
    owner: User | None = None,
    history: bool = True,
) -> list[Operation]:
    """Failed operations that ended between `ago` and `ago + spread` before now."""
    now = timezone.now()
    rows = [
        _failed(code, now - ago - spread * (number / max(1, count)), number, owner)
        for number in range(count)
    ]
    return _create(rows, history=history)


def make_completed(
    count: int,
    *,
    ago: timedelta = timedelta(0),
    spread: timedelta,
    owner: User | None = None,
    history: bool = True,
) -> list[Operation]:
    now = timezone.now() - ago
    rows = [
        _row(now - spread * (number / max(1, count)), number, owner, Operation.Status.COMPLETED)
        for number in range(count)
    ]
    return _create(rows, history=history)


def multiply(times: int, *, history: bool = False) -> None:
    """Every operation and its attempts so many times in all, with `history` its events too, copied
    by the database itself, for which it needs seconds where Python needs a minute."""
    hexadecimal, number = COPIES[connection.vendor]
    # The digit of a UUID that says which kind it is: no copy gets the number of an original.
    new_id = f"{number} || substr({hexadecimal}, 5, 8) || 'e' || substr({hexadecimal}, 14)"
    new_id = f"CAST({new_id} AS {Operation._meta.pk.db_type(connection)})"
    _copy(Operation, times, id=new_id.format("id"))
    _copy(Attempt, times, operation_id=new_id.format("operation_id"))
    if history:
        _copy(OperationEvent, times, operation_id=new_id.format("operation_id"))


def _copy(model: type[Model], times: int, **changed: str) -> None:
    columns = [
        str(field.column)
        for field in model._meta.concrete_fields
        if not field.primary_key or field.column in changed
    ]
    values = ", ".join(changed.get(column, column) for column in columns)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE copies (copy) AS "  # noqa: S608  (names of our own)
            f"(SELECT 1 UNION ALL SELECT copy + 1 FROM copies WHERE copy < {times - 1}) "
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table}, copies"
        )


def _failed(code: str, ended: datetime, number: int, owner: User | None) -> Operation:
    row = _row(ended, number, owner, Operation.Status.FAILED)
    row.error_code, row.error_category = code, str(category_of(code))
    row.attempts = row.run_attempts = 4 if code in RETRIED else 1
    return row


def _row(ended: datetime, number: int, owner: User | None, status: str) -> Operation:
    kind, subject_type = KINDS[number % len(KINDS)]
    started = ended - timedelta(seconds=9)
    return Operation(
        kind=kind,
        subject_type=subject_type,
        subject_id=str(uuid.uuid4()),
        session_id=uuid.uuid4(),
        owner=owner,
        status=status,
        waiting_reason="",
        credential="https://api.openai.com/v1#0a1b2c3d4e5f",
        fence=1,
        attempts=1,
        run_attempts=1,
        model="gpt-6-luna",
        input_tokens=900 + number % 400,
        output_tokens=300 + number % 200,
        cost_usd=Decimal("0.0021"),
        queued_at=started,
        started_at=started,
        finished_at=ended,
        updated_at=ended,
    )


def _create(rows: list[Operation], *, history: bool) -> list[Operation]:
    Operation.objects.bulk_create(rows, batch_size=2000)
    # `auto_now_add` says now.
    Operation.objects.filter(finished_at__isnull=False).update(created_at=F("queued_at"))
    Attempt.objects.bulk_create(
        (attempt for row in rows for attempt in _attempts(row)), batch_size=2000
    )
    if history:
        OperationEvent.objects.bulk_create(
            (event for row in rows for event in _events(row)), batch_size=2000
        )
    return rows


def _attempts(row: Operation) -> list[Attempt]:
    chance = random.Random(str(row.pk))
    at, attempts = row.started_at or row.queued_at, []
    for number in range(1, row.attempts + 1):
        took = timedelta(milliseconds=chance.randint(350, 900))
        is_last = number == row.attempts
        failed = row.status == Operation.Status.FAILED
        wait = None if is_last else 2 ** (number - 1) * chance.uniform(1.0, 1.1)
        attempts.append(
            Attempt(
                operation=row,
                number=number,
                run=1,
                fence=1,
                credential=row.credential,
                model=row.model,
                outcome=Attempt.Outcome.FAILED if failed else Attempt.Outcome.SUCCEEDED,
                category=row.error_category,
                error_code=row.error_code,
                http_status=STATUSES.get(row.error_code),
                provider_request_id=f"req_{row.pk.hex[:12]}{number}",
                duration_ms=took // timedelta(milliseconds=1),
                wait_seconds=wait,
                detail=DETAILS.get(row.error_code, "").format(number=chance.randint(0, 9)),
                started_at=at,
                finished_at=at + took,
            )
        )
        at += took + timedelta(seconds=wait or 0)
    return attempts


def _events(row: Operation) -> list[OperationEvent]:
    ended_at = row.finished_at or row.queued_at
    ended = "operation.failed" if row.error_code else "operation.completed"
    detail = (
        {"category": row.error_category, "error_code": row.error_code} if row.error_code else {}
    )
    return [
        OperationEvent(
            operation=row, name="operation.created", to_status="pending", door="api",
            actor=row.owner, at=row.queued_at,
        ),
        OperationEvent(
            operation=row, name="operation.claimed", from_status="pending", to_status="running",
            fence=1, door="worker", at=row.queued_at + timedelta(milliseconds=40),
        ),
        OperationEvent(
            operation=row, name=ended, from_status="running", to_status=row.status, fence=1,
            door="worker", detail=detail | {"attempt": row.attempts}, at=ended_at,
        ),
    ]  # fmt: skip

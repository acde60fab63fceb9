"""How an operation fails: its row, its attempt and, where the credential is to blame, a pause."""

from __future__ import annotations

from datetime import datetime

from operations import events, pauses
from operations.engine import failpoints, ledger, transitions
from operations.errors import RULES, OpenAIServiceError
from operations.models import Attempt, Operation


def fail_operation(
    operation: Operation,
    error: OpenAIServiceError,
    *,
    fence: int,
    at: datetime,
    duration_ms: int | None = None,
) -> bool:
    """running → failed. False: another worker or a person moved the row first."""
    if not transitions.fail(operation, error, at=at, fence=fence):
        return False
    failpoints.reach("in_fail_after_swap")
    ledger.end_attempt(
        operation,
        fence=fence,
        outcome=Attempt.Outcome.FAILED,
        at=at,
        error=error,
        duration_ms=duration_ms,
    )
    log_failed_attempt(operation, error, duration_ms=duration_ms)
    if error.pauses_credential:
        pauses.open_pause(operation, error, at=at)
    return True


def log_failed_attempt(
    operation: Operation, error: OpenAIServiceError, *, duration_ms: int | None
) -> None:
    events.log_after_commit(
        events.ATTEMPT_FAILED,
        level=RULES[error.error_code].log_level,
        attempt=operation.attempts,
        category=str(error.category),
        error_code=error.error_code,
        error_type=type(error).__name__,
        error_message=error.detail or None,
        provider_request_id=error.provider_request_id or None,
        duration_ms=duration_ms,
        **events.operation_fields(operation),
    )

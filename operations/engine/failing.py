"""How an operation fails: its row, its attempt and, where the credential is to blame, a pause."""

from __future__ import annotations

import traceback
from datetime import datetime
from pathlib import Path

from django.conf import settings

from operations import events, pauses
from operations.engine import failpoints, ledger, transitions
from operations.errors import RULES, InternalError, OpenAIServiceError, Usage
from operations.models import Attempt, Operation

OWN_FRAMES = 4


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


def own_fault(error: Exception, usage: Usage | None = None) -> OpenAIServiceError:
    """A bug of ours as an error of the taxonomy: its type and where it was raised, never its
    message, which may hold what a person wrote."""
    wrapped = InternalError("INTERNAL_ERROR", detail=where_raised(error), usage=usage)
    wrapped.__cause__ = error
    return wrapped


def where_raised(error: Exception) -> str:
    """ "ZeroDivisionError at kinds/x.py:61 in parse < running.py:190 in _parse": our own frames
    first, newest first, then the library's that raised."""
    frames = traceback.extract_tb(error.__traceback__)[::-1]
    ours = [frame for frame in frames if not is_library(frame.filename)]
    chosen = [*ours[:OWN_FRAMES], *[f for f in frames[:1] if is_library(f.filename)]]
    places = " < ".join(f"{_short(f.filename)}:{f.lineno} in {f.name}" for f in chosen)
    return f"{type(error).__name__} at {places}" if places else type(error).__name__


def is_library(filename: str) -> bool:
    return not Path(filename).is_relative_to(settings.BASE_DIR) or "site-packages" in filename


def _short(filename: str) -> str:
    return "/".join(Path(filename).parts[-2:])

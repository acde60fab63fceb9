"""How runs fail, or wait instead, and whom that stops: where the credential is to blame, the first
that met it pauses it. Runs that fail at the same moment are written together."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings

from operations import capabilities, events, pauses
from operations.database.clock import noted_now
from operations.engine import endings, failpoints
from operations.engine.endings import Ending
from operations.engine.ledger import CallEnd, Key, key_of
from operations.engine.outcomes import write_endings
from operations.errors import RULES, Category, InternalError, OpenAIServiceError, Usage
from operations.kinds import DEFER_PARAMETER, words_of
from operations.models import Attempt, Operation

MAX_DEFERRALS = 10
DEFER_DEFAULT_SECONDS = 30.0
DEFER_LIMIT_SECONDS = 3600.0
DEFER_TOTAL = timedelta(hours=24)

OWN_FRAMES = 4


@dataclass(frozen=True)
class Failure:
    """Why an operation's run cannot go on."""

    operation: Operation
    error: OpenAIServiceError
    duration_ms: int | None = None

    def call(self, *, wait_seconds: float | None = None) -> CallEnd:
        return CallEnd(
            self.operation,
            Attempt.Outcome.FAILED,
            error=self.error,
            duration_ms=self.duration_ms,
            wait_seconds=wait_seconds,
        )


def fail_together(failures: Sequence[Failure]) -> list[Operation | None]:
    """Let those wait that a rate limit refused, where the operator wants it, and those whose key
    another has found refused; fail the others. Their rows as they are then; None for one that
    another worker or a person has moved."""
    now = noted_now()
    waiting = _let_wait(failures, at=now)
    # Those that may not wait, were asked to stop, or are not ours any more.
    others = [each for each, waits in zip(failures, waiting, strict=True) if waits is None]
    failed = iter(fail_operations(others, at=now))
    return [waits or next(failed) for waits in waiting]


def fail_operations(failures: Sequence[Failure], *, at: datetime) -> list[Operation | None]:
    """running → failed."""
    failed = write_endings(
        [endings.failed(each.operation, each.error, at=at, call=each.call()) for each in failures],
        at=at,
        after_swap=lambda _: failpoints.reach("in_fail_after_swap"),
    )
    for each, operation in zip(failures, failed, strict=True):
        if operation is not None:
            log_failed_attempt(operation, each.error, duration_ms=each.duration_ms)
            if each.error.lesson:
                capabilities.keep(each.error.lesson, at=at)
    _acknowledge([operation for operation in failed if operation is not None], at=at)
    return failed


def _acknowledge(failed: Sequence[Operation], *, at: datetime) -> None:
    """Those of kinds whose failures are told elsewhere."""
    ids: dict[str, list[UUID]] = {}
    for operation in failed:
        if note := words_of(operation.kind).acknowledged_as:
            ids.setdefault(note, []).append(operation.pk)
    for note, those in ids.items():
        acknowledged = Operation.objects.filter(pk__in=those)
        acknowledged.update(acknowledged_at=at, acknowledgement=note)


def _let_wait(failures: Sequence[Failure], *, at: datetime) -> list[Operation | None]:
    """Their rows as they wait; None for those that may not, or were moved."""
    held = _held_by_a_pause(failures, at=at)
    wanted = [
        endings.held(each.operation, call=each.call())
        if key_of(each.operation) in held
        else _deferral(each, at=at)
        for each in failures
    ]
    waiting = iter(
        write_endings(
            [ending for ending in wanted if ending],
            at=at,
            after_swap=lambda _: failpoints.reach("in_defer_after_swap"),
        )
    )
    return [next(waiting) if ending else None for ending in wanted]


def _held_by_a_pause(failures: Sequence[Failure], *, at: datetime) -> set[Key]:
    """Pause each credential that is to blame. The first that meets the refusal fails and tells so;
    what was in flight beside it waits, as what comes later does. A probe was sent to find out."""
    blaming = [each for each in failures if each.error.pauses_credential]
    credentials = {each.operation.credential: each for each in reversed(blaming)}
    credentials.pop("", None)
    tells = {
        key_of(first.operation)
        for first in credentials.values()
        if pauses.open_pause(first.operation, first.error, at=at)
    }
    return {
        key_of(each.operation)
        for each in blaming
        if each.operation.credential and not each.operation.is_probe
    } - tells


def _deferral(failure: Failure, *, at: datetime) -> Ending | None:
    """Where a rate limit may be waited for, and not for too long."""
    operation, error = failure.operation, failure.error
    may_wait = settings.OPERATIONS_DEFER_RATE_LIMITED or operation.parameters.get(DEFER_PARAMETER)
    if (
        not may_wait
        or error.category is not Category.RATE_LIMIT
        or operation.deferrals >= MAX_DEFERRALS
    ):
        return None
    seconds = DEFER_DEFAULT_SECONDS if error.retry_after is None else error.retry_after
    until = at + timedelta(seconds=seconds)
    if seconds > DEFER_LIMIT_SECONDS or until > operation.queued_at + DEFER_TOTAL:
        return None
    return endings.deferred(operation, until=until, call=failure.call(wait_seconds=seconds))


def log_failed_attempt(
    operation: Operation, error: OpenAIServiceError, *, duration_ms: int | None
) -> None:
    events.log_after_commit(
        events.ATTEMPT_FAILED,
        # A refusal that taught us something is asked again in a simpler form: no error yet.
        level=logging.WARNING if error.lesson else RULES[error.error_code].log_level,
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

"""One operation ended as the engine ends a group of them. False: somebody else moved it first."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from operations.engine.endings import Ending, completed, deferred, released
from operations.engine.failing import Failure, fail_together
from operations.engine.ledger import CallEnd
from operations.engine.outcomes import write_endings
from operations.errors import OpenAIServiceError, Usage, error_from_code
from operations.models import Attempt, Operation


def end(ending: Ending) -> bool:
    (ended,) = write_endings([ending], at=timezone.now())
    return ended is not None


def fail(operation: Operation, error: OpenAIServiceError | str = "SERVER_ERROR") -> bool:
    """From running, with its open call and, where the credential is to blame, a pause; behind a
    pause that is open it waits instead."""
    error = error_from_code(error) if isinstance(error, str) else error
    (failed,) = fail_together([Failure(operation, error)])
    return failed is not None


def release(operation: Operation) -> bool:
    call = CallEnd(operation, Attempt.Outcome.RELEASED, possibly_paid_twice=True)
    return end(released(operation, call=call))


def defer(operation: Operation, *, until: datetime) -> bool:
    call = CallEnd(operation, Attempt.Outcome.FAILED)
    return end(deferred(operation, until=until, call=call))


def complete(operation: Operation, *, usage: Usage) -> bool:
    call = CallEnd(operation, Attempt.Outcome.SUCCEEDED, usage=usage)
    return end(completed(call, usage=usage, simulated=False))

"""One run of one operation: ask, retry, parse, then write the outcome. A table of contents.

Nothing here holds a transaction or a connection while a call is under way: all rows are written by
short jobs in the drain's database thread.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from functools import partial
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import connection
from pydantic import ValidationError

from operations import events, openai_service, retry
from operations.clock import database_now
from operations.engine import failing, failpoints, ledger, transitions
from operations.engine.claims import Claim
from operations.engine.completing import Outcome, complete_together
from operations.engine.database_thread import DatabaseThread
from operations.errors import (
    Category,
    InvalidResponseError,
    OpenAIServiceError,
    error_from_code,
)
from operations.kinds import ProviderReply
from operations.models import Attempt, Operation

logger = structlog.get_logger("operations")

T = TypeVar("T")

MAX_DEFERRALS = 10
DEFER_DEFAULT_SECONDS = 30.0
DEFER_LIMIT_SECONDS = 3600.0
DEFER_TOTAL = timedelta(hours=24)


class Abort(Enum):
    """Why a run is stopped from outside."""

    SHUTDOWN = "shutdown"
    CANCELLED = "cancelled"
    LOST = "lost"


class LeaseLost(Exception):
    """Another worker owns the operation now; this run must write nothing more."""


class CallInsideTransaction(AssertionError):
    """A provider call was about to be made inside a database transaction."""


@dataclass(eq=False)
class Run:
    """The state of one run in this process."""

    claim: Claim
    database: DatabaseThread
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    abort: Abort = Abort.SHUTDOWN
    stopped: bool = False
    started: float = field(default_factory=time.monotonic)
    call_started: float = 0.0
    calls: int = 0
    reply: ProviderReply | None = None
    last_error: OpenAIServiceError | None = None
    last_duration_ms: int = 0

    @property
    def operation(self) -> Operation:
        """The row as of this run's last committed job."""
        return self.claim.operation

    def seconds_left(self) -> float:
        return float(settings.OPERATIONS_DEADLINE_SECONDS) - (time.monotonic() - self.started)

    async def execute(self) -> None:
        """Run to the end. Ends by itself in every case; what it cannot write, the sweep will."""
        structlog.contextvars.bind_contextvars(**events.operation_fields(self.operation))
        try:
            await self._ask_and_finish()
        except LeaseLost:
            await self._write(self._mark_fenced)
        except asyncio.CancelledError:
            await self._give_back()
            raise
        except OpenAIServiceError as error:
            await self._fail(error)
        except Exception as error:  # our own bug: the row must still end, and we must see why
            logger.exception("operation.crashed", **events.operation_fields(self.operation))
            usage = self.reply.usage if self.reply else None
            await self._fail(failing.own_fault(error, usage))

    async def _ask_and_finish(self) -> None:
        self.reply = await self._ask()
        failpoints.reach("after_response_before_commit")
        try:
            result = self._parse(self.reply)
        except OpenAIServiceError as error:
            error.usage = error.usage or self.reply.usage
            error.provider_request_id = self.reply.provider_request_id
            raise
        outcome = Outcome(self.claim, self.reply, result, self.last_duration_ms)
        completed = await self.database.run_together(complete_together, outcome)
        if completed is None:
            await self._write(self._mark_fenced)
        else:
            self.claim.operation = completed
        failpoints.reach("after_complete_commit")

    async def _ask(self) -> ProviderReply:
        policy = retry.RetryPolicy(
            max_calls=self.claim.calls_left,
            base_seconds=settings.OPERATIONS_BACKOFF_BASE_SECONDS,
            calls_before=self.claim.calls_before,
            seconds_left=self.seconds_left,
        )
        try:
            async with asyncio.timeout(self.seconds_left()):
                return await retry.call_with_retries(
                    self._one_call, policy, sleep=self.sleep, before_wait=self._before_wait
                )
        except TimeoutError:
            raise (self.last_error or error_from_code("DEADLINE_EXCEEDED")) from None

    async def _one_call(self) -> ProviderReply:
        """Exactly one HTTP call; its Attempt is committed before it is sent."""
        if self.calls:
            await self._write(self._start_attempt)
        self.calls += 1
        refuse_inside_transaction()
        failpoints.reach("before_call")
        self.call_started = time.monotonic()
        try:
            return await openai_service.ask(
                self.claim.request,
                credential=self.claim.credential,
                timeout_seconds=min(
                    float(settings.OPENAI_TIMEOUT_SECONDS), max(0.001, self.seconds_left())
                ),
            )
        except OpenAIServiceError as error:
            self.last_error = error
            raise
        finally:
            self.last_duration_ms = self._call_ms()

    def _start_attempt(self, operation: Operation) -> None:
        attempt = ledger.start_attempt(
            operation,
            fence=self.claim.fence,
            at=database_now(),
            model=self.claim.request.model or settings.OPENAI_MODEL,
        )
        if attempt is None:
            raise LeaseLost
        failpoints.reach("in_next_attempt_before_commit")

    async def _before_wait(self, error: OpenAIServiceError, wait_seconds: float) -> None:
        await self._write(partial(self._note_failed_call, error, wait_seconds))
        failpoints.reach("in_backoff_after_commit")

    def _note_failed_call(
        self, error: OpenAIServiceError, wait_seconds: float, operation: Operation
    ) -> None:
        now = database_now()
        until = now + timedelta(seconds=wait_seconds)
        if not ledger.note_backoff(operation, fence=self.claim.fence, at=now, until=until):
            raise LeaseLost
        ledger.end_attempt(
            operation,
            fence=self.claim.fence,
            outcome=Attempt.Outcome.FAILED,
            at=now,
            error=error,
            duration_ms=self.last_duration_ms,
            wait_seconds=wait_seconds,
            # Sent again below although the provider may have worked (and billed) already.
            possibly_paid_twice=error.maybe_processed,
        )
        failing.log_failed_attempt(operation, error, duration_ms=self.last_duration_ms)
        events.log_after_commit(
            events.ATTEMPT_RETRYING,
            level=logging.WARNING,
            attempt=operation.attempts,
            category=str(error.category),
            error_code=error.error_code,
            wait_seconds=round(wait_seconds, 3),
            **events.operation_fields(operation),
        )

    def _parse(self, reply: ProviderReply) -> Any:
        try:
            return self.claim.kind.parse(reply.content, self.claim.request)
        except ValidationError as error:
            places = sorted({".".join(map(str, e["loc"])) for e in error.errors()})[:5]
            raise InvalidResponseError(
                "SCHEMA_MISMATCH", http_status=200, detail="at " + ", ".join(places)
            ) from None  # the cause holds the model's text, which quotes the person

    async def _fail(self, error: OpenAIServiceError) -> None:
        step = self._defer_or_fail if self._may_defer(error) else self._fail_now
        if not await self._write(partial(step, error)):
            await self._write(self._mark_fenced)
        failpoints.reach("after_fail_commit")

    def _fail_now(self, error: OpenAIServiceError, operation: Operation) -> bool:
        return failing.fail_operation(
            operation,
            error,
            fence=self.claim.fence,
            at=database_now(),
            duration_ms=self.last_duration_ms,
        )

    def _may_defer(self, error: OpenAIServiceError) -> bool:
        return (
            settings.OPERATIONS_DEFER_RATE_LIMITED
            and error.category is Category.RATE_LIMIT
            and self.operation.deferrals < MAX_DEFERRALS
        )

    def _defer_or_fail(self, error: OpenAIServiceError, operation: Operation) -> bool:
        now = database_now()
        seconds = DEFER_DEFAULT_SECONDS if error.retry_after is None else error.retry_after
        until = now + timedelta(seconds=seconds)
        if seconds > DEFER_LIMIT_SECONDS or until > operation.queued_at + DEFER_TOTAL:
            return self._fail_now(error, operation)
        if not transitions.defer(operation, fence=self.claim.fence, at=now, until=until):
            return self._fail_now(error, operation)  # asked to stop; False if not ours any more
        failpoints.reach("in_defer_after_swap")
        return ledger.end_attempt(
            operation,
            fence=self.claim.fence,
            outcome=Attempt.Outcome.FAILED,
            at=now,
            error=error,
            duration_ms=self.last_duration_ms,
            wait_seconds=seconds,
        )

    async def _give_back(self) -> None:
        """Stopped from outside: release, or cancel where a person asked for it."""
        if self.abort is Abort.LOST:
            if self.reply is not None:  # refused, or about to be: its bill is kept all the same
                await self._write(self._mark_fenced)
            return
        await self._write(self._cancel if self.abort is Abort.CANCELLED else self._release)

    def _release(self, operation: Operation) -> None:
        if transitions.release(operation, fence=self.claim.fence, at=database_now()):
            failpoints.reach("in_release_after_swap")
            self._end_interrupted(operation, Attempt.Outcome.RELEASED)
        else:  # somebody asked for its end meanwhile, or it is not ours any more
            self._cancel(operation)

    def _cancel(self, operation: Operation) -> None:
        guard = transitions.Guard((Operation.Status.RUNNING,), self.claim.fence)
        if transitions.cancel(operation, at=database_now(), guard=guard, actor=None, door="worker"):
            failpoints.reach("in_cancel_after_swap")
            self._end_interrupted(operation, Attempt.Outcome.CANCELLED)

    def _end_interrupted(self, operation: Operation, outcome: str) -> None:
        ledger.end_attempt(
            operation,
            fence=self.claim.fence,
            outcome=outcome,
            at=database_now(),
            duration_ms=self._call_ms(),
            possibly_paid_twice=True,
        )

    def _mark_fenced(self, operation: Operation) -> None:
        failpoints.reach("before_fenced_is_marked")
        ledger.mark_fenced(
            operation,
            fence=self.claim.fence,
            at=database_now(),
            usage=self.reply.usage if self.reply else None,
        )

    async def _write(self, step: Callable[[Operation], T]) -> T:
        """Run a step in the database thread on a copy of the row: a group that is rolled back and
        tried again must not find what its first try left in memory."""

        def job() -> tuple[T, Operation]:
            operation = copy(self.operation)
            return step(operation), operation

        result, self.claim.operation = await self.database.run(job)
        return result

    def _call_ms(self) -> int:
        return round((time.monotonic() - self.call_started) * 1000) if self.call_started else 0


def refuse_inside_transaction() -> None:
    """A call inside a transaction would hold its locks for seconds."""
    if connection.in_atomic_block:
        raise CallInsideTransaction

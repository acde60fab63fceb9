"""One run of one operation: ask, retry, parse, then write the outcome. A table of contents.

Nothing here holds a transaction or a connection while a call is under way: all rows are written by
short jobs in the drain's database thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import connection
from opentelemetry.trace import Span
from pydantic import ValidationError

from operations import events, openai_service, retry
from operations.capabilities import StepsDown
from operations.database.clock import database_now
from operations.engine import failing, failpoints, ledger, spans
from operations.engine.calling import FailedCall, NextCall, note_failed_calls, start_next_calls
from operations.engine.claims import Claim
from operations.engine.completing import Outcome, complete_together
from operations.engine.database_thread import DatabaseThread
from operations.engine.failing import Failure, fail_together
from operations.engine.governor import Governor
from operations.engine.stopping import Stop, cancel_together, release_together
from operations.errors import InvalidResponseError, OpenAIServiceError, error_from_code
from operations.kinds import ProviderReply
from operations.models import Operation

logger = structlog.get_logger("operations")

Item = TypeVar("Item")


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
    governor: Governor = field(default_factory=Governor)
    """Hears of each answer."""
    abort: Abort = Abort.SHUTDOWN
    stopped: bool = False
    started: float = field(default_factory=time.monotonic)
    call_started: float = 0.0
    calls: int = 0
    steps: StepsDown = field(default_factory=StepsDown)
    reply: ProviderReply | None = None
    last_error: OpenAIServiceError | None = None
    last_duration_ms: int = 0
    span: Span = spans.NONE

    @property
    def operation(self) -> Operation:
        """The row as of this run's last committed job."""
        return self.claim.operation

    def seconds_left(self) -> float:
        return float(settings.OPERATIONS_DEADLINE_SECONDS) - (time.monotonic() - self.started)

    async def execute(self) -> None:
        """Run to the end. Ends by itself in every case; what it cannot write, the sweep will."""
        structlog.contextvars.bind_contextvars(**events.operation_fields(self.operation))
        self.span = spans.of_run(self.operation)
        try:
            await self._ask_and_finish()
        except LeaseLost:
            await self._mark_fenced()
        except asyncio.CancelledError:
            await self._give_back()
            raise
        except OpenAIServiceError as error:
            await self._fail(error)
        except Exception as error:  # our own bug: the row must still end, and we must see why
            logger.exception("operation.crashed", **events.operation_fields(self.operation))
            usage = self.reply.usage if self.reply else None
            await self._fail(failing.own_fault(error, usage))
        finally:
            spans.end_run(self.span, self.operation)

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
        if not await self._together(complete_together, outcome):
            await self._mark_fenced()
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
                    self._call_as_taken, policy, sleep=self.sleep, before_wait=self._before_wait
                )
        except TimeoutError:
            raise (self.last_error or error_from_code("DEADLINE_EXCEEDED")) from None

    async def _call_as_taken(self) -> ProviderReply:
        """A server that refuses the form of the request is asked in a simpler one, at once."""
        while True:
            try:
                return await self._one_call()
            except OpenAIServiceError as error:
                if not self.steps.take(error):
                    raise
                await self._before_wait(error, 0.0)

    async def _one_call(self) -> ProviderReply:
        """Exactly one HTTP call; its Attempt is committed before it is sent."""
        if self.calls and not await self._together(start_next_calls, self.next_call()):
            raise LeaseLost
        self.calls += 1
        refuse_inside_transaction()
        failpoints.reach("before_call")
        self.call_started = time.monotonic()
        span = spans.of_call(self.span, self.claim)
        outcome: ProviderReply | OpenAIServiceError | None = None
        try:
            outcome = await openai_service.ask(
                self.claim.request,
                credential=self.claim.credential,
                timeout_seconds=min(
                    float(settings.OPENAI_TIMEOUT_SECONDS), max(0.001, self.seconds_left())
                ),
            )
            return outcome
        except OpenAIServiceError as error:
            self.last_error = outcome = error
            raise
        finally:
            self.last_duration_ms = self._call_ms()
            spans.end_call(span, outcome)
            if outcome is not None:
                self.governor.answered(self.operation, self.call_started, outcome)

    def next_call(self) -> NextCall:
        return NextCall(self.operation, self.claim.request.model or settings.OPENAI_MODEL)

    async def _before_wait(self, error: OpenAIServiceError, wait_seconds: float) -> None:
        if not await self._together(note_failed_calls, self.failed_call(error, wait_seconds)):
            raise LeaseLost
        failpoints.reach("in_backoff_after_commit")

    def failed_call(self, error: OpenAIServiceError, wait_seconds: float) -> FailedCall:
        return FailedCall(self.operation, error, wait_seconds, self.last_duration_ms)

    def _parse(self, reply: ProviderReply) -> Any:
        try:
            return self.claim.kind.parse(reply.content, self.claim.request)
        except ValidationError as error:
            places = sorted({".".join(map(str, e["loc"])) for e in error.errors()})[:5]
            raise InvalidResponseError(
                "SCHEMA_MISMATCH", http_status=200, detail="at " + ", ".join(places)
            ) from None  # the cause holds the model's text, which quotes the person

    async def _fail(self, error: OpenAIServiceError) -> None:
        if not await self._together(fail_together, self.failure(error)):
            await self._mark_fenced()
        failpoints.reach("after_fail_commit")

    def failure(self, error: OpenAIServiceError) -> Failure:
        return Failure(self.operation, error, self.last_duration_ms)

    async def _give_back(self) -> None:
        """Stopped from outside: release, or cancel where a person asked for it."""
        if self.abort is Abort.LOST:
            if self.reply is not None:  # refused, or about to be: its bill is kept all the same
                await self._mark_fenced()
            return
        is_wanted = self.abort is Abort.CANCELLED
        await self._together(cancel_together if is_wanted else release_together, self.stop())

    def stop(self) -> Stop:
        return Stop(self.operation, self._call_ms())

    async def _together(
        self, step: Callable[[list[Item]], Sequence[Operation | None]], item: Item
    ) -> bool:
        """Write this with what others write the same way at the same moment. False: the operation
        is not ours any more."""
        written = await self.database.run_together(step, item)
        if written is not None:
            self.claim.operation = written
        return written is not None

    async def _mark_fenced(self) -> None:
        await self.database.run(self.write_fenced)

    def write_fenced(self) -> None:
        failpoints.reach("before_fenced_is_marked")
        ledger.mark_fenced(
            self.operation,
            fence=self.claim.fence,
            at=database_now(),
            usage=self.reply.usage if self.reply else None,
        )

    def _call_ms(self) -> int:
        return round((time.monotonic() - self.call_started) * 1000) if self.call_started else 0


def refuse_inside_transaction() -> None:
    """A call inside a transaction would hold its locks for seconds."""
    if connection.in_atomic_block:
        raise CallInsideTransaction

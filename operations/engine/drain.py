"""The drain: one bounded django-q2 task that keeps hundreds of calls in flight on one event loop.

It claims due operations, runs each as an asyncio task, keeps their leases alive and ends itself
well before django-q2's `timeout`: after DRAIN_SECONDS it takes no more work, leaves its slot to a
successor and finishes what is under way.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID, uuid4

import structlog
from django.conf import settings

from operations import capabilities, events, lifeline, openai_service, trace
from operations.database.clock import database_now
from operations.dispatch import DRAIN_SECONDS
from operations.engine import failpoints, leases, rates, wakeups
from operations.engine.claims import Claim, RequestsRefused, claim_batch, look
from operations.engine.database_thread import DatabaseGone, DatabaseThread
from operations.engine.governor import Governor
from operations.engine.running import Abort, Run
from operations.kinds import all_kinds

logger = structlog.get_logger("operations")

IDLE_LOOK_SECONDS = 1.0
"""Waiting rows become due by time alone, which no wake-up tells; and a wake-up may be lost."""

CLAIM_BATCH = 100
"""Claims of one transaction. Their leases run from its start, and heartbeats wait for its end."""

CANCEL_LOOK_SECONDS = 0.25
"""A drain that is woken looks whether somebody wants one of its calls stopped, at most this often.
"""

ANSWER_TURNS = 50
"""Turns of the event loop that an answer needs from its socket to a reply, with room to spare."""

SELF_FENCE_SHARE = 0.8
"""A drain that could not beat for this share of its lease stops its calls: others may own them."""


GOVERNED_NAP_SECONDS = 0.05
"""While a rate limit holds work back: the next starts are not far."""


@functools.cache
def _governor() -> Governor:
    """What this process has learned outlives its drains."""
    return _new_governor()


def _new_governor() -> Governor:
    return Governor(is_on=settings.OPERATIONS_DEFER_RATE_LIMITED)


def run_drain(*, supervisor: str, slots: int) -> None:
    """Take the first free slot of the supervisor and drain; without a free one return at once."""
    asyncio.run(Drain(supervisor=supervisor, slots=slots, governor=_governor()).run())


def _as_seen(asked: frozenset[UUID]) -> frozenset[UUID]:
    return asked


@dataclass
class Drain:
    supervisor: str = ""
    slots: int = 1
    seconds: float = DRAIN_SECONDS
    until_idle: bool = False
    """For tests and one-shot commands: end as soon as nothing is due or under way."""
    owner: UUID = field(default_factory=uuid4)
    governor: Governor = field(default_factory=_new_governor)
    _database: DatabaseThread = field(default_factory=DatabaseThread)
    _runs: dict[Run, asyncio.Task[None]] = field(default_factory=dict)
    """By run, not by operation: one that was taken back may be claimed by this very drain again
    while its first run is still waiting for its answer."""
    _more_waits: bool = True
    """Whether the last claim may have left something that it could not take."""
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _was_woken: bool = False
    """Since the last look for cancellations."""
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        """Take no more work; finish or release what is under way within the grace."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Drain until the time is up, everything is idle (where asked for) or `stop` is called."""
        self._parent = os.getppid()
        self._last_beat = time.monotonic()
        self._cancel_look_at = time.monotonic()
        self._awaited = {name for kind in all_kinds() for name in kind.waits_for}
        self._database.start()
        try:
            if not lifeline.has_ended() and await self._sign_on():
                await self._drain()
        finally:
            await openai_service.close()
            self._database.give_up()
            self._database.stop(timeout_seconds=5.0)

    async def _sign_on(self) -> bool:
        for slot in range(self.slots):
            take = partial(leases.sign_on, owner=self.owner, supervisor=self.supervisor, slot=slot)
            if await self._database.run(take):
                return True
        return False

    async def _drain(self) -> None:
        events.log(events.WORKER_STARTED, worker=trace.process(), lease_owner=str(self.owner))
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(wakeups.listening(self._wake))
            stack.enter_context(self._lifeline())
            heart = asyncio.create_task(self._keep_beating())
            stack.callback(heart.cancel)
            try:
                await self._database.run(lambda: capabilities.load(at=database_now()))
                if self.governor.is_on:
                    await self._share_rates()
                await self._take_work()
                await self._finish()
            finally:
                await self._stop_runs(Abort.SHUTDOWN)
                with contextlib.suppress(DatabaseGone):
                    await self._database.run(partial(leases.sign_off, owner=self.owner))
                events.log(
                    events.WORKER_STOPPED, worker=trace.process(), lease_owner=str(self.owner)
                )

    async def _take_work(self) -> None:
        end = time.monotonic() + self.seconds
        while time.monotonic() < end and not self._stopping.is_set():
            self._note_wake_up()
            await self._stop_cancelled()
            free = settings.OPERATIONS_CONCURRENCY - len(self._runs)
            claims = await self._claim(free)
            withheld = self.governor.withheld
            self._more_waits = withheld or free <= 0 or len(claims) == min(free, CLAIM_BATCH)
            if claims:
                failpoints.reach("after_claim_commit")
            for claim in claims:
                self._start(claim)
            await self._share_rates_when_due()
            if self.until_idle and not self._runs and not withheld:
                return
            if not claims or not self._more_waits or len(claims) == free or withheld:
                await self._nap(self._governed_nap() if withheld else IDLE_LOOK_SECONDS)
            self._look_for_parent()

    async def _claim(self, free: int) -> list[Claim]:
        self.governor.withheld = False
        if free <= 0:
            return []
        limit = min(free, CLAIM_BATCH)
        claim = partial(claim_batch, owner=self.owner, limit=limit, governor=self.governor)
        try:
            if self._more_waits:
                return await self._database.run(claim)
            return await self._database.run_if(partial(look, limit, self.governor), claim) or []
        except RequestsRefused:
            return await self._database.run(partial(claim, apart=True))

    def _start(self, claim: Claim) -> None:
        self.governor.started(claim.operation, is_simulated=claim.credential.simulated)
        run = Run(claim, self._database, governor=self.governor)
        task = asyncio.create_task(run.execute(), name=f"operation-{claim.id}")
        self._runs[run] = task
        task.add_done_callback(partial(self._ended, run))

    def _ended(self, run: Run, task: asyncio.Task[None]) -> None:
        del self._runs[run]
        self.governor.ended(run.claim.operation)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error(
                "operation.outcome_not_written",
                operation_id=str(run.claim.id),
                error_type=type(error).__name__,
            )
        # Where the last claim found less than it could take, the next commit tells of more.
        is_over = self.until_idle and not self._runs
        if self._more_waits or run.claim.kind.name in self._awaited or is_over:
            self._wake.set()

    async def _nap(self, longest: float) -> None:
        if self._runs and self._was_woken:  # the look for cancellations is still to come
            longest = min(longest, CANCEL_LOOK_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest):
                await self._wake.wait()

    def _note_wake_up(self) -> None:
        self._was_woken |= self._wake.is_set()
        self._wake.clear()

    def _governed_nap(self) -> float:
        return max(GOVERNED_NAP_SECONDS, min(IDLE_LOOK_SECONDS, self.governor.hold_ends_in()))

    async def _share_rates_when_due(self) -> None:
        interval = rates.SHARED_SECONDS if self.governor.paced() else rates.SELDOM_SECONDS
        is_due = self.governor.is_on and time.monotonic() >= self._shared_at + interval
        if is_due and (self._runs or self.governor.withheld):
            await self._share_rates()

    async def _share_rates(self) -> None:
        self._shared_at = time.monotonic()
        exchange = rates.Exchange(self.governor)
        await self._database.run_if(exchange.look, exchange.tell)
        exchange.take_over()

    async def _finish(self) -> None:
        """Let what is under way end: within the grace at a shutdown, else within its deadline."""
        self._more_waits = True  # of the ends of runs
        await self._database.run(partial(leases.give_up_slot, owner=self.owner))
        patience = float(settings.OPERATIONS_DEADLINE_SECONDS)
        if self._stopping.is_set():
            patience = float(settings.OPERATIONS_SHUTDOWN_GRACE_SECONDS)
        end = time.monotonic() + patience
        while self._runs and time.monotonic() < end:
            if self._stopping.is_set():
                end = min(end, time.monotonic() + settings.OPERATIONS_SHUTDOWN_GRACE_SECONDS)
            self._note_wake_up()
            await self._stop_cancelled()
            await self._nap(IDLE_LOOK_SECONDS)

    async def _stop_cancelled(self) -> None:
        """Before a claim: a wake-up tells of nothing that is claimed after it."""
        self._was_woken &= bool(self._runs)
        patience = CANCEL_LOOK_SECONDS if self._was_woken else IDLE_LOOK_SECONDS
        if not self._runs or time.monotonic() < self._cancel_look_at + patience:
            return
        self._cancel_look_at, self._was_woken = time.monotonic(), False
        look = partial(leases.asked_to_cancel, owner=self.owner)
        self._abort_cancelled(await self._database.run_if(look, _as_seen) or frozenset())

    def _abort_cancelled(self, asked: frozenset[UUID]) -> None:
        for run in list(self._runs):
            if run.claim.id in asked:
                self._abort(run, Abort.CANCELLED)

    async def _stop_runs(self, reason: Abort) -> None:
        tasks = list(self._runs.values())
        for run in list(self._runs):
            self._abort(run, reason)
        if tasks:
            await asyncio.wait(tasks)

    def _abort(self, run: Run, reason: Abort) -> None:
        task = self._runs.get(run)
        if task is None or run.stopped:
            return
        run.stopped = True
        run.abort = reason
        task.cancel()

    async def _keep_beating(self) -> None:
        interval = settings.OPERATIONS_LEASE_SECONDS / leases.HEARTBEATS_PER_LEASE
        while True:
            await asyncio.sleep(interval)
            beat = asyncio.create_task(self._beat())
            done, _ = await asyncio.wait([beat], timeout=self._until_self_fence())
            if not done:
                await self._let_answers_in()
                self._fence_self()
                await asyncio.wait([beat])

    async def _beat(self) -> None:
        asked_at = time.monotonic()
        held = list(self._runs)
        try:
            holding = await self._database.run(
                partial(leases.beat, owner=self.owner, held={run.claim.id for run in held}),
                urgent=True,
            )
        except DatabaseGone:
            return
        self._last_beat = asked_at
        # Only what was held when the beat was asked for: newer claims are not in its answer.
        lost = [run for run in held if holding.fences.get(run.claim.id) != run.claim.fence]
        if lost:
            await self._let_answers_in()
        for run in lost:
            self._abort(run, Abort.LOST)
        self._abort_cancelled(holding.cancel_requested)
        if not holding.is_signed_on:  # a successor has our slot: two would leave no spare worker
            self.stop()

    async def _let_answers_in(self) -> None:
        """After a pause of this process answers lie in its sockets: paid for, and still good where
        nobody has taken the operation over. Turns, not seconds: each moves every call one step."""
        for _ in range(ANSWER_TURNS):
            await asyncio.sleep(0)

    def _until_self_fence(self) -> float:
        allowed = SELF_FENCE_SHARE * settings.OPERATIONS_LEASE_SECONDS
        return max(0.0, self._last_beat + allowed - time.monotonic())

    def _fence_self(self) -> None:
        """The leases end before we can extend them: stop asking for what others may ask again.
        Answers that are here already stay in memory; their compare-and-swap decides."""
        for run in list(self._runs):
            if run.reply is None:
                self._abort(run, Abort.SHUTDOWN)

    def _look_for_parent(self) -> None:
        if os.getppid() != self._parent:  # the sentinel died: nobody would restart or stop us
            self.stop()

    @contextlib.contextmanager
    def _lifeline(self) -> Iterator[None]:
        """Stop when the supervisor closes its pipe or dies."""
        descriptor = lifeline.descriptor()
        if descriptor is None:
            yield
            return
        loop = asyncio.get_running_loop()
        loop.add_reader(descriptor, self._on_lifeline, descriptor)
        try:
            yield
        finally:
            loop.remove_reader(descriptor)

    def _on_lifeline(self, descriptor: int) -> None:
        asyncio.get_running_loop().remove_reader(descriptor)
        self.stop()

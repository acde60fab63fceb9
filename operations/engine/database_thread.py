"""All database work of a drain, in one thread with one connection, in group commits.

Jobs that wait at the same moment share a transaction, also those that come while it waits for
SQLite's write lock; each runs in a savepoint of its own, so one bad row cannot sink the group. What
is refused only at the commit (deferred foreign keys) is found by giving each job a transaction of
its own. When the database itself is in trouble (locked, restarted, gone) the group is tried again
until it works or the drain gives up: results that were paid for are kept in memory meanwhile. A job
must therefore be safe to run again, after a rollback and also after a commit whose confirmation was
lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import OperationalError, connection, transaction

from operations import events, log_lines
from operations.database import trouble
from operations.database.trouble import is_trouble

logger = structlog.get_logger("operations")

T = TypeVar("T")
Item = TypeVar("Item")
Result = TypeVar("Result")
Seen = TypeVar("Seen")
Outcome = tuple[Any, "BaseException | None"]


@dataclass(frozen=True)
class Job:
    """`step` gets the items of all jobs of a group that have this very step, and gives a result for
    each: what can be done in one statement is. A job that is alone of its kind is its own item."""

    step: Callable[[list[Any]], Sequence[Any]]
    item: Any


@dataclass
class Guarded(Generic[Seen, T]):
    """An item that looks first, and acts on what it has seen; None where there was nothing."""

    look: Callable[[], Seen | None]
    act: Callable[[Seen], T]
    seen: Seen | None = None

    def sees_something(self) -> bool:
        self.seen = self.look()
        return self.seen is not None

    def __call__(self) -> T | None:
        # What was seen holds for one try.
        seen, self.seen = self.seen, None
        if seen is None:
            seen = self.look()
        return None if seen is None else self.act(seen)


Waiting = tuple[Job, "asyncio.Future[Any]"]

GROUP_SIZE = 64
GROUPS_PER_LEASE = 15
"""A heartbeat waits for the group before it. On a slow database groups are made smaller, or leases
would be lost to the work that they are held for."""

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0

URGENT, IN_TURN, LAST = range(3)


class DatabaseGone(Exception):
    """The drain gave up waiting for its database."""


class DatabaseThread:
    """`await run(job)` gives the job's result once its transaction is committed."""

    def __init__(self) -> None:
        self._jobs: queue.PriorityQueue[tuple[int, int, Waiting | None]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._group_size = GROUP_SIZE
        self._giving_up = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="operations-database", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def give_up(self) -> None:
        """Stop trying again: waiting jobs end with DatabaseGone."""
        self._giving_up.set()

    def stop(self, timeout_seconds: float) -> None:
        self._put(LAST, None)
        self._thread.join(timeout_seconds)

    async def run(self, job: Callable[[], T], *, urgent: bool = False) -> T:
        """Cancelling the caller does not take the job back: a result on its way is written.

        Urgent jobs go first: a heartbeat behind hundreds of results would come too late for them.
        """
        result: T = await self._committed(Job(_run_alone, job), URGENT if urgent else IN_TURN)
        return result

    async def run_together(
        self, step: Callable[[list[Item]], Sequence[Result]], item: Item
    ) -> Result:
        """Like `run`, for a step that takes all items that wait at the same moment. Where it raises
        for several, each is run by itself: an item's outcome is its own."""
        result: Result = await self._committed(Job(step, item), IN_TURN)
        return result

    async def run_if(self, look: Callable[[], Seen | None], act: Callable[[Seen], T]) -> T | None:
        """Like `run`, for a job that has nothing to do where `look` sees nothing. It changes
        nothing: where no other job waits it is asked outside the transaction, which on SQLite
        takes the write lock."""
        result: T | None = await self._committed(Job(_run_alone, Guarded(look, act)), IN_TURN)
        return result

    async def _committed(self, job: Job, rank: int) -> Any:
        outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        # Where the caller is cancelled nobody else asks how it ended, and asyncio would complain.
        outcome.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._put(rank, (job, outcome))
        return await asyncio.shield(outcome)

    def _put(self, rank: int, waiting: Waiting | None) -> None:
        self._jobs.put((rank, next(self._numbers), waiting))

    def _work(self) -> None:
        try:
            while not self._stopping and (first := self._jobs.get()[-1]) is not None:
                group = [first]
                self._fill(group)
                self._commit(group, may_grow=True)
        finally:
            connection.close()

    def _fill(self, group: list[Waiting]) -> None:
        """Add what waits already, up to the stop mark."""
        while len(group) < self._group_size and not self._stopping:
            try:
                waiting = self._jobs.get_nowait()[-1]
            except queue.Empty:
                return
            if waiting is None:
                self._stopping = True
            else:
                group.append(waiting)

    def _commit(self, group: list[Waiting], *, may_grow: bool = False) -> None:
        """Commit all together; if that is refused, each by itself shows whose fault it was."""
        try:
            self._commit_when_possible(group, may_grow=may_grow)
        except BaseException as error:
            if len(group) == 1 or isinstance(error, DatabaseGone):
                _deliver(group, [(None, error)] * len(group))
                return
            for waiting in group:
                self._commit([waiting])

    def _commit_when_possible(self, group: list[Waiting], *, may_grow: bool) -> None:
        for tries in itertools.count(1):
            started = time.monotonic()
            try:
                self._in_one_transaction(group, may_grow=may_grow)
            except DatabaseError as error:
                if not is_trouble(error):
                    raise
                if not self._wait_for_database(error, tries):
                    raise DatabaseGone from error
            else:
                self._keep_pace(len(group), time.monotonic() - started)
                return

    def _keep_pace(self, jobs: int, seconds: float) -> None:
        allowed = settings.OPERATIONS_LEASE_SECONDS / GROUPS_PER_LEASE
        fitting = int(jobs * allowed / max(seconds, 0.0001))
        self._group_size = max(1, min(GROUP_SIZE, fitting))

    def _in_one_transaction(self, group: list[Waiting], *, may_grow: bool) -> None:
        if len(group) == 1 and _has_nothing_to_do(group[0][0]):
            _deliver(group, [(None, None)])
            return
        outcomes: dict[int, Outcome] = {}
        committed = False

        def deliver() -> None:
            nonlocal committed
            committed = True
            _deliver(group, [outcomes[number] for number in range(len(group))])

        try:
            with log_lines.together(), transaction.atomic(durable=True):
                # The first to run after the commit: nobody waits for log lines and signals.
                transaction.on_commit(deliver)
                if may_grow:
                    self._fill(group)
                self._run_steps(group, outcomes)
        except Exception:
            if not committed:
                raise
            # Of a job's own on_commit: what is committed must not be run again for it.
            logger.exception("worker.after_commit_failed")

    def _run_steps(self, group: list[Waiting], outcomes: dict[int, Outcome]) -> None:
        jobs = [job for job, _ in group]
        steps = _together(jobs)
        # One step alone needs no savepoint: where it raises, the transaction is its own.
        run = _in_savepoint if len(steps) > 1 else _run
        for numbers in steps:
            those = [jobs[number] for number in numbers]
            outcomes |= zip(numbers, run(those), strict=True)
        if connection.needs_rollback:  # a savepoint could not be rolled back: the line was cut
            raise OperationalError("the transaction cannot be committed any more")

    def _wait_for_database(self, error: Exception, tries: int) -> bool:
        """Close the connection and pause with jitter. False: the drain gave up."""
        if tries == 1:
            events.log(events.DATABASE_TROUBLE, level=logging.WARNING, **trouble.fields(error))
        connection.close()
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(tries, 10))
        return not self._giving_up.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311


def _has_nothing_to_do(job: Job) -> bool:
    return isinstance(job.item, Guarded) and not job.item.sees_something()


def _run(jobs: list[Job]) -> list[Outcome]:
    """All have the same step."""
    return [(result, None) for result in jobs[0].step([job.item for job in jobs])]


def _in_savepoint(jobs: list[Job]) -> list[Outcome]:
    """Together, or each by itself where that is refused; what is raised is its job's outcome."""
    try:
        with transaction.atomic():
            return _run(jobs)
    except Exception as error:
        if is_trouble(error):
            raise
        if len(jobs) == 1:
            return [(None, error)]
    return [outcome for job in jobs for outcome in _in_savepoint([job])]


def _deliver(group: list[Waiting], outcomes: Sequence[Outcome]) -> None:
    """Wake the loop once for all of them: each call from another thread costs a system call."""
    loop = group[0][1].get_loop()
    with contextlib.suppress(RuntimeError):  # closed: nobody waits any more
        loop.call_soon_threadsafe(_resolve, group, outcomes)


def _resolve(group: list[Waiting], outcomes: Sequence[Outcome]) -> None:
    for (_, future), (result, error) in zip(group, outcomes, strict=True):
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


def _run_alone(items: list[Callable[[], Any]]) -> list[Any]:
    (item,) = items
    return [item()]


def _together(jobs: list[Job]) -> list[list[int]]:
    """The numbers of the jobs that may share a statement, in the order of the first of them."""
    groups: dict[Any, list[int]] = {}
    for number, job in enumerate(jobs):
        groups.setdefault(number if job.step is _run_alone else job.step, []).append(number)
    return list(groups.values())

"""All database work of a drain, in one thread with one connection, in group commits.

Jobs that wait at the same moment share a transaction; each runs in a savepoint of its own, so one
bad row cannot sink the group. When the database itself is in trouble (locked, restarted, gone) the
group is tried again until it works or the drain gives up: results that were paid for are kept in
memory meanwhile. A job must therefore be safe to run again after a rollback.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import random
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction

from operations import events

T = TypeVar("T")

GROUP_SIZE = 64
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0


class DatabaseGone(Exception):
    """The drain gave up waiting for its database."""


class DatabaseThread:
    """`await run(job)` gives the job's result once its transaction is committed."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self._giving_up = threading.Event()
        self._thread = threading.Thread(target=self._work, name="operations-database", daemon=True)
        self.trouble = False
        """Whether the last try to reach the database failed."""

    def start(self) -> None:
        self._thread.start()

    def give_up(self) -> None:
        """Stop trying again: waiting jobs end with DatabaseGone."""
        self._giving_up.set()

    def stop(self, timeout_seconds: float) -> None:
        self._jobs.put(None)
        self._thread.join(timeout_seconds)

    async def run(self, job: Callable[[], T]) -> T:
        """Cancelling the caller does not take the job back: a result on its way is written."""
        future: Future[T] = Future()
        self._jobs.put((job, future))
        return await asyncio.shield(asyncio.wrap_future(future))

    def _work(self) -> None:
        try:
            while (first := self._jobs.get()) is not None:
                group = [first]
                stop = self._fill(group)
                self._commit(group)
                if stop:
                    break
        finally:
            connection.close()

    def _fill(self, group: list[tuple[Callable[[], Any], Future[Any]]]) -> bool:
        """Add what waits already. True if the stop mark was among it."""
        while len(group) < GROUP_SIZE:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return False
            if job is None:
                return True
            group.append(job)
        return False

    def _commit(self, group: list[tuple[Callable[[], Any], Future[Any]]]) -> None:
        group = [(job, future) for job, future in group if future.set_running_or_notify_cancel()]
        tries = 0
        while group:
            try:
                outcomes = self._in_one_transaction([job for job, _ in group])
            except (OperationalError, InterfaceError) as error:
                tries += 1
                if not self._wait_for_database(error, tries):
                    for _, future in group:
                        future.set_exception(DatabaseGone())
                    return
                continue
            except BaseException as error:
                for _, future in group:
                    future.set_exception(error)
                return
            self.trouble = False
            for (_, future), (result, raised) in zip(group, outcomes, strict=True):
                if raised is not None:
                    future.set_exception(raised)
                else:
                    future.set_result(result)
            return

    def _in_one_transaction(
        self, jobs: list[Callable[[], Any]]
    ) -> list[tuple[Any, Exception | None]]:
        outcomes: list[tuple[Any, Exception | None]] = []
        with transaction.atomic(durable=True):
            for job in jobs:
                outcomes.append(self._in_savepoint(job))
        return outcomes

    def _in_savepoint(self, job: Callable[[], Any]) -> tuple[Any, Exception | None]:
        try:
            with transaction.atomic():
                return job(), None
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # handed to whoever awaits this job
            return None, error

    def _wait_for_database(self, error: Exception, tries: int) -> bool:
        """Close the connection and pause with jitter. False: the drain gave up."""
        self.trouble = True
        if tries == 1:
            events.log(
                events.DATABASE_TROUBLE, level=logging.WARNING, error_type=type(error).__name__
            )
        connection.close()
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(tries, 10))
        return not self._giving_up.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311

"""How a resident drain hears of new work within milliseconds; the sweep is the net below it.

PostgreSQL: LISTEN, answered by the NOTIFY that the submitting transaction sends. SQLite: PRAGMA
data_version on a connection of its own changes with every commit of another connection; most are
the drain's own, so the listener looks whether anything is due. Redis, where it is set: published
after the commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from typing import Any, Protocol

from django.conf import settings
from django.db import connections

from operations import dispatch, events
from operations.clock import database_now
from operations.engine import due

SQLITE_POLL_SECONDS = 0.005
"""Half of it is what a submission waits on average. An idle drain's polls cost 4 % of a core."""

SQLITE_BUSY_POLL_SECONDS = 0.002
BUSY_SECONDS = 1.0
"""So long after it found something a drain polls more often: it is awake anyway."""

RECONNECT_SECONDS = 1.0


class Listener(Protocol):
    """Sets `event` whenever there may be something to do."""

    async def listen(self, event: asyncio.Event) -> None: ...


class DataVersion:
    """Watches the SQLite file for commits after which something is due. Readers wait for nobody."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def listen(self, event: asyncio.Event) -> None:
        look = due.look_sql("?")
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            seen, busy_until = None, 0.0
            while True:
                try:
                    (version,) = connection.execute("PRAGMA data_version").fetchone()
                    if version != seen and _finds(connection, look):
                        event.set()
                        busy_until = time.monotonic() + BUSY_SECONDS
                    seen = version
                except sqlite3.Error:  # the drain meets the same trouble, and knows what to do
                    event.set()
                is_busy = time.monotonic() < busy_until
                await asyncio.sleep(SQLITE_BUSY_POLL_SECONDS if is_busy else SQLITE_POLL_SECONDS)


def _finds(connection: sqlite3.Connection, look: str) -> bool:
    return connection.execute(look, [due.stored(database_now())]).fetchone() is not None


class Notifications:
    """LISTEN on a connection of its own; a lost connection is opened again."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self._parameters = parameters

    async def listen(self, event: asyncio.Event) -> None:
        import psycopg  # noqa: PLC0415  (installed only where PostgreSQL is used)

        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    **self._parameters, autocommit=True
                ) as connection:
                    await connection.execute(f"LISTEN {dispatch.CHANNEL}")
                    event.set()  # what came before we listened
                    async for _ in connection.notifies():
                        event.set()
            except psycopg.OperationalError as error:
                events.log(
                    events.DATABASE_TROUBLE, level=logging.WARNING, error_type=type(error).__name__
                )
            await asyncio.sleep(RECONNECT_SECONDS)


class Published:
    """Subscribes to what submitting processes publish; a lost connection is opened again."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def listen(self, event: asyncio.Event) -> None:
        import redis.asyncio  # noqa: PLC0415  (installed only where REDIS_URL is set)

        while True:
            try:
                async with redis.asyncio.Redis.from_url(self._url).pubsub() as subscription:
                    await subscription.subscribe(dispatch.channel())
                    async for _ in subscription.listen():
                        event.set()  # the first is the subscription: what came before it
            except (redis.asyncio.RedisError, OSError) as error:
                events.log(
                    events.WAKE_FAILED, level=logging.WARNING, error_type=type(error).__name__
                )
            await asyncio.sleep(RECONNECT_SECONDS)


def listener() -> Listener:
    """The listener for the configured database, or for Redis where it is set."""
    if settings.REDIS_URL:
        return Published(settings.REDIS_URL)
    connection = connections["default"]
    if connection.vendor == "sqlite":
        return DataVersion(str(connection.settings_dict["NAME"]))
    return Notifications(_psycopg_parameters(connection.get_connection_params()))


def _psycopg_parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    """Django's own arguments less those that only its cursor classes understand."""
    return {
        key: value
        for key, value in parameters.items()
        if key not in ("cursor_factory", "context", "prepare_threshold", "server_side_binding")
    }


@contextlib.asynccontextmanager
async def listening(event: asyncio.Event) -> AsyncIterator[None]:
    task = asyncio.create_task(listener().listen(event))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

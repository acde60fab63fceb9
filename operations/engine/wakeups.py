"""How a resident drain hears of new work within milliseconds; the sweep is the net below it.

PostgreSQL: LISTEN, answered by the NOTIFY that the submitting transaction sends. Redis, where it is
set: published after the commit. SQLite: a byte in a named pipe beside the database, and where none
came, PRAGMA data_version: on a connection of its own it changes with every commit of another one.
Most are the drain's own, so the listener looks whether anything is due.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings
from django.db import connections

from operations import broker, dispatch, events
from operations.database.clock import database_now, stored
from operations.engine import due

if TYPE_CHECKING:
    import psycopg
    import redis.asyncio

POLL_SECONDS = 0.005
"""Without a pipe. Half of it is what a submission waits on average, and it costs an idle drain 1 to
4 % of a core."""

PIPE_BYTES = 65536
"""All that fits into one: a hundred submissions are one wake-up."""

RECONNECT_SECONDS = 1.0
HEALTH_CHECK_SECONDS = 5.0


class Listener(Protocol):
    """Sets `event` whenever there may be something to do."""

    async def listen(self, event: asyncio.Event) -> None: ...


class Pipe:
    """Hears bytes in a named pipe. Without one, watches the SQLite file for commits after which
    something is due; readers wait for nobody."""

    def __init__(self, database: str) -> None:
        self._database = database

    async def listen(self, event: asyncio.Event) -> None:
        with _pipe(event) as is_open:
            await (asyncio.Event().wait() if is_open else self._watch(event))

    async def _watch(self, event: asyncio.Event) -> None:
        look = due.look_sql("?")
        with contextlib.closing(sqlite3.connect(self._database)) as connection:
            seen = None
            while True:
                try:
                    (version,) = connection.execute("PRAGMA data_version").fetchone()
                    if version != seen and _finds(connection, look):
                        event.set()
                    seen = version
                except sqlite3.Error:  # the drain meets the same trouble, and knows what to do
                    event.set()
                await asyncio.sleep(POLL_SECONDS)


@contextlib.contextmanager
def _pipe(event: asyncio.Event) -> Iterator[bool]:
    """Set `event` at every byte; False where there can be no pipe. It stays when we end: other
    drains may read from it too."""
    with contextlib.suppress(OSError):
        os.mkfifo(dispatch.pipe_path())
    # For writing too: a pipe whose last writer has gone is always ready to say so.
    descriptor = dispatch.open_pipe(os.O_RDWR)
    if descriptor is None:
        yield False
        return

    def hear() -> None:
        with contextlib.suppress(BlockingIOError):  # another drain was sooner
            os.read(descriptor, PIPE_BYTES)
        event.set()

    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, hear)
    try:
        yield True
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _finds(connection: sqlite3.Connection, look: str) -> bool:
    return connection.execute(look, [stored(database_now())]).fetchone() is not None


class Notifications:
    """LISTEN on a connection of its own; a lost connection is opened again. Not through a pooler
    that hands out connections by the transaction: it would hear nothing."""

    def __init__(self, address: str, parameters: dict[str, Any]) -> None:
        self._address = address
        self._parameters = parameters

    async def listen(self, event: asyncio.Event) -> None:
        import psycopg  # noqa: PLC0415  (installed only where PostgreSQL is used)

        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._address, **self._parameters, autocommit=True
                ) as connection:
                    await connection.execute(f"LISTEN {dispatch.CHANNEL}")
                    event.set()  # what came before we listened
                    await _hear_notifications(connection, event)
            except psycopg.Error as error:
                events.log(
                    events.DATABASE_TROUBLE, level=logging.WARNING, error_type=type(error).__name__
                )
            await asyncio.sleep(RECONNECT_SECONDS)


async def _hear_notifications(
    connection: psycopg.AsyncConnection[Any], event: asyncio.Event
) -> None:
    """Until the connection is lost, which raises. `connection.notifies()` would wake up ten times a
    second to see whether it was interrupted."""
    loop, socket, came = asyncio.get_running_loop(), connection.fileno(), asyncio.Event()
    loop.add_reader(socket, came.set)
    try:
        while True:
            await came.wait()
            came.clear()
            connection.pgconn.consume_input()
            while connection.pgconn.notifies():
                event.set()
    finally:
        loop.remove_reader(socket)


class Published:
    """Subscribes to what submitting processes publish; a lost connection is opened again."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def listen(self, event: asyncio.Event) -> None:
        import redis.asyncio  # noqa: PLC0415  (installed only where REDIS_URL is set)

        while True:
            try:
                async with self._client(redis.asyncio.Redis).pubsub() as subscription:
                    await subscription.subscribe(dispatch.channel())
                    while True:
                        # The first is the subscription: what came before it.
                        if await subscription.get_message(timeout=HEALTH_CHECK_SECONDS):
                            event.set()
            except (redis.asyncio.RedisError, OSError) as error:
                events.log_seldom(
                    events.WAKE_FAILED, level=logging.WARNING, error_type=type(error).__name__
                )
            await asyncio.sleep(RECONNECT_SECONDS)

    def _client(self, client: type[redis.asyncio.Redis]) -> redis.asyncio.Redis:
        """One that notices when its server is gone without a word."""
        return client.from_url(
            self._url,
            socket_connect_timeout=broker.SECONDS,
            health_check_interval=HEALTH_CHECK_SECONDS,
            socket_keepalive=True,
        )


def listener() -> Listener:
    """The listener for the configured database, or for Redis where it is set."""
    if settings.REDIS_URL:
        return Published(settings.REDIS_URL)
    connection = connections["default"]
    if connection.vendor == "sqlite":
        return Pipe(str(connection.settings_dict["NAME"]))
    if settings.DATABASE_DIRECT_URL:
        return Notifications(settings.DATABASE_DIRECT_URL, {})
    return Notifications("", _psycopg_parameters(connection.get_connection_params()))


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

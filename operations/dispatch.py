"""Wake-ups: the only importer of django_q.

Two bells, both without content: `wake` tells resident drains that a row was committed, `ring` asks
django-q2 to start a drain. Lost, they cost the sweep interval; doubled, one SELECT. The rows are
the truth, so neither may ever raise into the request that submitted work.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import stat
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django_q.tasks import async_task

from operations import events

if TYPE_CHECKING:
    import redis

CHANNEL = "operations_wake"
PIPE_SUFFIX = "-wake"
DRAIN_TASK = "operations.tasks.drain"
PUBLISH_SECONDS = 0.5
DRAIN_SECONDS = 600.0
"""A drain takes work for this long; django-q2's `timeout` must exceed it by a run's deadline."""


def wake() -> None:
    """Tell resident drains once the caller's transaction is committed."""
    if settings.REDIS_URL:
        transaction.on_commit(_publish)
    elif connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # sent with the commit, dropped with a rollback
            cursor.execute(f"NOTIFY {CHANNEL}")
    else:
        transaction.on_commit(_write_to_pipe)


def pipe_path() -> str:
    """The named pipe beside an SQLite database, which sends no messages. Drains make it. Hidden:
    `cp db.sqlite3* …` would wait for its end."""
    directory, name = os.path.split(connection.settings_dict["NAME"])
    return os.path.join(directory, f".{name}{PIPE_SUFFIX}")


def open_pipe(flags: int) -> int | None:
    """Its descriptor, never waited for; None where there is no pipe, or nobody reads from it."""
    try:
        descriptor = os.open(pipe_path(), flags | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def _write_to_pipe() -> None:
    descriptor = open_pipe(os.O_WRONLY)
    if descriptor is None:
        return
    try:
        os.write(descriptor, b"!")
    except OSError:  # full of bytes that nobody has read yet, or its reader has just gone
        pass
    finally:
        os.close(descriptor)


def channel() -> str:
    """Redis has one set of channels for all its databases and everybody who uses it."""
    return f"{CHANNEL}:{hashlib.sha256(settings.SECRET_KEY.encode()).hexdigest()[:16]}"


def _publish() -> None:
    try:
        _redis(settings.REDIS_URL).publish(channel(), "")
    except Exception as error:  # any fault of Redis: the drains look every second all the same
        events.log(events.WAKE_FAILED, level=logging.WARNING, error_type=type(error).__name__)


@functools.cache
def _redis(url: str) -> redis.Redis:
    import redis  # noqa: PLC0415  (installed only where REDIS_URL is set)

    # A request must not wait for a Redis that hangs; it loses a second of somebody's patience.
    return redis.Redis.from_url(
        url, socket_timeout=PUBLISH_SECONDS, socket_connect_timeout=PUBLISH_SECONDS
    )


def ring(*, supervisor: str, slots: int) -> bool:
    """Ask the cluster for a drain of this supervisor. False: the broker could not be reached."""
    try:
        async_task(DRAIN_TASK, supervisor, slots, save=False, ack_failure=True)
    except Exception as error:  # any broker, any driver: the supervisor rings again
        events.log(events.WAKE_FAILED, level=logging.WARNING, error_type=type(error).__name__)
        return False
    return True


def run_cluster() -> None:
    """Start django-q2's cluster: this process stays its main process until SIGTERM or SIGINT."""
    call_command("qcluster")

"""Wake-ups: the only importer of django_q.

Two bells, both without content: `wake` tells resident drains that a row was committed, `ring` asks
django-q2 to start a drain. Lost, they cost the sweep interval; doubled, one SELECT. The rows are
the truth, so neither may ever raise into the request that submitted work.
"""

from __future__ import annotations

import logging
import os
import stat
from multiprocessing.process import BaseProcess

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django_q import cluster
from django_q.brokers import get_broker
from django_q.tasks import async_task

from operations import broker, events, exits
from operations.database import trouble
from operations.database.trouble import is_trouble

CHANNEL = "operations_wake"
PIPE_SUFFIX = "-wake"
DRAIN_TASK = "operations.tasks.drain"
DRAIN_SECONDS = 600.0
"""A drain takes work for this long; django-q2's `timeout` must exceed it by a run's deadline."""
BREAK_SECONDS = 5.0

_wakes = broker.Breaker(open_seconds=BREAK_SECONDS)
_rings = broker.Breaker(open_seconds=BREAK_SECONDS)


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
    return f"{CHANNEL}:{broker.installation()}"


def _publish() -> None:
    if not _wakes.lets_through():
        return
    try:
        broker.client(settings.REDIS_URL).publish(channel(), "")
    except Exception as error:  # any fault of Redis: the drains look every second all the same
        _wakes.failed()
        _tell(error)
    else:
        _wakes.answered()


def _tell(error: Exception) -> None:
    events.log_seldom(events.WAKE_FAILED, level=logging.WARNING, error_type=type(error).__name__)


def ring(*, supervisor: str, slots: int) -> bool:
    """Ask the supervisor's own cluster for a drain: each has a queue of its own, or one host would
    run the drains of all. False: the broker could not be reached."""
    if not _rings.lets_through():
        return False
    try:
        async_task(DRAIN_TASK, supervisor, slots, cluster=supervisor, save=False, ack_failure=True)
    except Exception as error:  # any broker, any driver: the supervisor rings again
        if is_trouble(error):  # where the database is the broker
            trouble.leave_connection()
        _rings.failed()
        _tell(error)
        return False
    _rings.answered()
    return True


def forget_rings(*, supervisor: str) -> None:
    """Of a supervisor that stops: nobody else reads its queue. One that was killed leaves the few
    messages of its empty slots behind."""
    try:
        get_broker(supervisor).purge_queue()
    except Exception as error:  # any broker, any driver: it would only have been tidy
        if is_trouble(error):
            trouble.leave_connection()


class Sentinel(cluster.Sentinel):  # type: ignore[misc]
    """Tells the supervisor how a process ended before it starts another one in its place."""

    def reincarnate(self, process: BaseProcess) -> None:
        if process.exitcode is not None:  # None: it hangs, and is ended now
            exits.report(process.pid or 0, process.exitcode)
        super().reincarnate(process)


def run_cluster() -> None:
    """Start django-q2's cluster: this process stays its main process until SIGTERM or SIGINT. Ends
    at once where the broker cannot be used: the cluster would, with a stack trace."""
    if fault := broker.fault():
        events.log(events.WAKE_FAILED, level=logging.WARNING, error_type=fault)
        raise SystemExit(1)
    cluster.Sentinel = Sentinel  # it has no other place to say which
    call_command("qcluster")


def forget_faults() -> None:
    """For tests."""
    _wakes.answered()
    _rings.answered()

"""Wake-ups: the only importer of django_q.

Two bells, both without content: `wake` tells resident drains that a row was committed, `ring` asks
django-q2 to start a drain. Lost, they cost the sweep interval; doubled, one SELECT. The rows are
the truth, so neither may ever raise into the request that submitted work.
"""

from __future__ import annotations

import logging

from django.core.management import call_command
from django.db import connection
from django_q.tasks import async_task

from operations import events

CHANNEL = "operations_wake"
DRAIN_TASK = "operations.tasks.drain"
DRAIN_SECONDS = 600.0
"""A drain takes work for this long; django-q2's `timeout` must exceed it by a run's deadline."""


def wake() -> None:
    """Tell resident drains, as part of the caller's transaction. SQLite's drains see the commit."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")


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

"""What a supervisor does beside its processes: small, repeatable, by any number of them at once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import Error as DatabaseError
from django.db import connection

from operations import dispatch, events, metrics, upkeep
from operations.console import bulk
from operations.database import trouble
from operations.engine import leases
from operations.workers import alerts, pruning
from operations.workers.estimating import estimate_calls

SWEEP_SECONDS = 2.0
PRUNE_SECONDS = 60.0
ALERT_SECONDS = 5.0
ESTIMATE_SECONDS = 600.0


@dataclass
class Chore:
    do: Callable[[], object]
    interval_seconds: float
    due_at: float = 0.0

    def run_when_due(self) -> None:
        """What it raises is the caller's; the chore comes up again all the same."""
        if time.monotonic() >= self.due_at:
            self.due_at = time.monotonic() + self.interval_seconds
            self.do()


def due_now() -> list[Chore]:
    """All of them, in the order in which they are done."""
    return [
        Chore(sweep, SWEEP_SECONDS),
        Chore(metrics.fold, SWEEP_SECONDS),
        Chore(pruning.prune, PRUNE_SECONDS),
        Chore(send_alerts, ALERT_SECONDS),
        Chore(estimate_calls, ESTIMATE_SECONDS),
        *(Chore(task.do, task.interval_seconds) for task in upkeep.all_tasks()),
        Chore(bulk.run_due, 0.0),
    ]


def sweep() -> None:
    """Take back what dead workers held, expire, probe; wake the drains where that made work."""
    if leases.sweep().made_work:
        dispatch.wake()


_alerting = threading.Lock()


def send_alerts() -> None:
    """Look what is wrong and tell it. In a thread: a slow mail server must not hold up the sweep.
    One at a time."""
    if _alerting.acquire(blocking=False):
        threading.Thread(target=_send_alerts, daemon=True).start()


def _send_alerts() -> None:
    try:
        alerts.watch_alerts()
        alerts.tell_alerts()
    except DatabaseError as error:
        note_trouble(error)
    finally:
        connection.close()
        _alerting.release()


def note_trouble(error: DatabaseError) -> None:
    """Leave the connection, and go on: also where it is no trouble but a table that is not there
    yet, or a bug. Who shall bring workers back must not end with them."""
    level = logging.WARNING if trouble.is_trouble(error) else logging.ERROR
    events.log_seldom(events.DATABASE_TROUBLE, level=level, **trouble.fields(error))
    connection.close()

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from operations import (
    dispatch,
    lifeline,
    tasks,  # noqa: F401  (imports the SDK once, before the fork: 0.5 s and 50 MB a worker)
)

LOOK_SECONDS = 1.0

GC_THRESHOLDS = (20_000, 20, 50)
"""Hundreds of calls in flight are thousands of living objects, and looking through them for cycles
every 700 allocations took a tenth of a worker's processor time. Forked workers inherit this."""


class Command(BaseCommand):
    help = "Internal: the worker processes of operations_worker. Start that one instead."
    requires_system_checks: list[str] = []  # the supervisor has made them

    def handle(self, *args: Any, **options: Any) -> None:
        threading.Thread(target=_end_with_supervisor, daemon=True).start()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        dispatch.run_cluster()


def _end_with_supervisor() -> None:
    """When the supervisor dies without a word, its cluster ends too: the drains see the same pipe
    and get the grace to finish."""
    if lifeline.descriptor() is None:
        return
    while not lifeline.has_ended():
        time.sleep(LOOK_SECONDS)
    time.sleep(settings.OPERATIONS_SHUTDOWN_GRACE_SECONDS + 10)
    os.killpg(os.getpgrp(), signal.SIGKILL)

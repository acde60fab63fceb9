"""The web server that `manage.py up` runs: `python -m config.webserver`.

Production starts granian by its own command line (README.md); this one also stops when the process
that started it is gone, and logs through the same pipe as everything else.
"""

from __future__ import annotations

import os
import signal
import threading

import django
from django.conf import settings
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from operations import lifeline

WEB_PROCESSES = 2
# More threads than cores only make synchronous views wait for each other; a few keep slow clients
# and short waits for SQLite's write lock from blocking the rest.
THREADS_PER_PROCESS = 4


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    _stop_when_abandoned()
    Server(
        "config.wsgi:application",
        address=settings.BIND,
        port=settings.PORT,
        interface=Interfaces.WSGI,
        workers=WEB_PROCESSES,
        blocking_threads=THREADS_PER_PROCESS,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=max(1, int(settings.OPERATIONS_SHUTDOWN_GRACE_SECONDS)),
        log_level=LogLevels.warning,
        log_dictconfig=settings.LOGGING,
    ).serve()


def _stop_when_abandoned() -> None:
    """Once the process that started this one is gone, however it went, end as SIGTERM does."""
    descriptor = lifeline.descriptor()
    if descriptor is not None:
        threading.Thread(target=_wait_for_end, args=(descriptor,), daemon=True).start()


def _wait_for_end(descriptor: int) -> None:
    os.read(descriptor, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()

"""The web server, in production and for `manage.py up`: `python -m config.webserver`.

It listens on BIND and PORT, drains before it stops, stops when the process that started it is gone,
and logs through the same pipe as everything else. What a slow body may cost is in `config.bodies`,
slow headers here.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import threading
from typing import Any

import django
from django.conf import settings
from django.urls import get_resolver
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from config import draining
from operations import banner, lifeline

APPLICATION = "config.rsgi"
WEB_PROCESSES = 2
# HTTP/1 alone: a proxy speaks nothing else to us, and each limit here is one of HTTP/1.
HTTP1 = HTTP1Settings(
    # Milliseconds; also how long an idle connection is kept.
    header_read_timeout=15_000,
    # Bytes that one connection may make us hold before its headers end: beyond it 431.
    max_buffer_size=64 * 1024,
)


class DrainingServer(MPServer):
    """The first signal to stop is told to the processes that answer, and obeyed WEB_DRAIN_SECONDS
    later: until a load balancer has seen it, new requests still come here. A second one is obeyed
    at once."""

    _is_asked = False

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        if self._is_asked or not settings.WEB_DRAIN_SECONDS:
            self._stop()
            return
        self._is_asked = True
        for worker in self.wrks:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.inner.pid, draining.SIGNAL)
        stop = threading.Timer(settings.WEB_DRAIN_SECONDS, self._stop)
        stop.daemon = True
        stop.start()

    def _stop(self) -> None:
        super().signal_handler_interrupt()  # type: ignore[no-untyped-call]


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    _load_what_workers_share()
    _stop_when_abandoned()
    banner.started("web", address=f"{settings.BIND}:{settings.PORT}", processes=WEB_PROCESSES)
    grace_seconds = settings.OPERATIONS_SHUTDOWN_GRACE_SECONDS - settings.WEB_DRAIN_SECONDS
    server = DrainingServer(
        f"{APPLICATION}:app",
        address=settings.BIND,
        port=settings.PORT,
        interface=Interfaces.RSGI,
        workers=WEB_PROCESSES,
        http=HTTPModes.http1,
        http1_settings=HTTP1,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=max(1, int(grace_seconds)),
        log_level=LogLevels.warning,
        log_dictconfig=settings.LOGGING,
    )
    try:
        server.serve()
    finally:
        banner.stopped("web", reason="stopped in order")


def _load_what_workers_share() -> None:
    """Before granian forks them: each would load the same pages, into memory of its own."""
    importlib.import_module(APPLICATION)
    assert get_resolver().url_patterns
    gc.collect()
    gc.freeze()


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

"""The time between a request to stop and the end of a web process: it answers as ever, and tells
whoever asks `/readyz` or keeps a connection that they shall go elsewhere from now on.
"""

from __future__ import annotations

import signal
import threading

SIGNAL = signal.SIGUSR1
"""From the web server's main process to those that answer. SIGTERM ends them."""

_begun = threading.Event()


def begin() -> None:
    _begun.set()


def is_draining() -> bool:
    return _begun.is_set()

"""Redis, where REDIS_URL is set: no request waits for it longer than half a second, and goes on
without it where it is in trouble."""

from __future__ import annotations

import functools
import hashlib
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

if TYPE_CHECKING:
    import redis

SECONDS = 0.5
CLUSTER_SECONDS = 3
"""django-q2 lets Redis hold its question for a second before it answers that there is nothing."""

PROBE_SECONDS = 10


def installation() -> str:
    """Redis has one set of channels for all its databases and everybody who uses it."""
    return hashlib.sha256(settings.SECRET_KEY.encode()).hexdigest()[:16]


@functools.cache
def client(url: str) -> redis.Redis:
    import redis  # noqa: PLC0415  (installed only where REDIS_URL is set)

    return redis.Redis.from_url(url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)


def cluster_url(url: str) -> str:
    """With time-outs for django-q2, which sets none: a time-out that the URL has already wins."""
    separator = "&" if urlsplit(url).query else "?"
    limits = f"socket_timeout={CLUSTER_SECONDS}&socket_connect_timeout={SECONDS}"
    return f"{url}{separator}{limits}"


def fault() -> str:
    """Why Redis cannot be used, or "". A write is tried too: one that is out of memory goes on
    answering everything else."""
    if not settings.REDIS_URL:
        return ""
    try:
        redis = client(settings.REDIS_URL)
        redis.ping()
        redis.set(f"operations_probe:{installation()}", "", ex=PROBE_SECONDS)
    except Exception as error:  # any fault of any driver, its URL's too
        return type(error).__name__
    return ""


class Breaker:
    """A server that hangs costs its time-out once in `open_seconds`, not once a request: meanwhile
    nobody asks it, and after that one does."""

    def __init__(self, *, open_seconds: float) -> None:
        self._open_seconds = open_seconds
        self._closed_again_at = 0.0
        self._is_open = False
        self._lock = threading.Lock()

    def lets_through(self) -> bool:
        if not self._is_open:
            return True
        with self._lock:
            if time.monotonic() < self._closed_again_at:
                return False
            self._closed_again_at = time.monotonic() + self._open_seconds
            return True

    def failed(self) -> None:
        with self._lock:
            self._is_open = True
            self._closed_again_at = time.monotonic() + self._open_seconds

    def answered(self) -> None:
        self._is_open = False

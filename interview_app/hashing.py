"""Passwords are hashed one at a time in each web process: slow on purpose, it must not be what all
threads and processors do at once, wherever the passwords come from."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from interview_app.refusals import HashingBusy

HASHING_NICENESS = 10
"""Every other request goes first."""


def _stand_back() -> None:
    # Linux alone has a niceness for each thread; elsewhere it would be the whole process's.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), HASHING_NICENESS)


# One hashes and one waits for it: the web server's other threads serve everybody else.
_places = threading.BoundedSemaphore(2)
_hashing = ThreadPoolExecutor(1, thread_name_prefix="hashing", initializer=_stand_back)


class OneAtATime(PBKDF2PasswordHasher):
    """Django's own hasher, with its name and its hashes. Raises `HashingBusy`."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        if not _places.acquire(blocking=False):
            raise HashingBusy
        try:
            return _hashing.submit(super().encode, password, salt, iterations).result()
        finally:
            _places.release()


def refuse_if_busy() -> None:
    """Raises `HashingBusy`. Before anything is written for somebody who will be refused."""
    if not _places.acquire(blocking=False):
        raise HashingBusy
    _places.release()

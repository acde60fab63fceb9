"""The parser processes of one web process: how many run, who waits, and what is remembered.

A request that uploads a file holds a web thread until its file is parsed. A few uploads must not
hold them all, nor all processors: two files are parsed at a time, one more request waits, and the
rest are refused at once with `ParserBusy`. The same file sent again costs nothing, and sent twice
at the same time it is parsed once.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from interview_app.refusals import ParserBusy
from interview_app.resume_limits import (
    PARSER_VERSION,
    PARSERS_AT_A_TIME,
    TOO_COSTLY,
    UNREADABLE,
    WAIT_SECONDS,
    WHOLE_SECONDS,
)

PROJECT = Path(__file__).resolve().parent.parent
PARSER = (sys.executable, "-m", "interview_app.resume_parser")
OVER_TIME = (-signal.SIGXCPU, -signal.SIGKILL)
"""How the kernel ends a parser at its limit of processor time."""

Answer = dict[str, Any]
"""What the parser prints: `text` and `warnings`, or `refused`."""
Key = tuple[int, str, bytes]


class RememberedAnswers:
    """The newest answers, within bounds of bytes and age. Not thread-safe: its owner locks.

    Kept in this process alone: a résumé's text is private and goes into no shared cache. Whoever
    sends the same bytes gets the same text, which they hold already, so it may serve anybody.
    """

    def __init__(
        self,
        *,
        most_bytes: int = 4 * 1024 * 1024,
        seconds: float = 300,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._clock = clock
        self._kept: OrderedDict[Key, tuple[float, int, Answer]] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> Answer | None:
        self._forget_old()
        found = self._kept.get(key)
        return found[2] if found else None

    def put(self, key: Key, answer: Answer) -> None:
        # A character takes up to four bytes; a refusal takes some too, so that they are bounded.
        size = 200 + 4 * len(str(answer))
        self._kept[key] = (self._clock() + self._seconds, size, answer)
        self._bytes += size
        while self._bytes > self._most_bytes:
            self._forget_oldest()

    def _forget_old(self) -> None:
        # All are kept equally long, so the oldest always stands first.
        while self._kept and next(iter(self._kept.values()))[0] <= self._clock():
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        _key, (_until, size, _answer) = self._kept.popitem(last=False)
        self._bytes -= size


class ParserPool:
    def __init__(
        self,
        *,
        command: Sequence[str] = PARSER,
        size: int = PARSERS_AT_A_TIME,
        wait_seconds: float = WAIT_SECONDS,
        whole_seconds: float = WHOLE_SECONDS,
        remembered: RememberedAnswers | None = None,
    ) -> None:
        self._command = tuple(command)
        self._wait_seconds = wait_seconds
        self._whole_seconds = whole_seconds
        self._places = threading.BoundedSemaphore(size)
        # Each who waits holds a web thread as well; of the eight threads most must stay free.
        self._waiting_place = threading.BoundedSemaphore(1)
        self._lock = threading.Lock()
        self._remembered = remembered or RememberedAnswers()
        self._running: dict[Key, Future[Answer | None]] = {}

    def answer(self, kind: str, data: bytes) -> Answer:
        """What the parser says to the file. Raises ParserBusy."""
        key = (PARSER_VERSION, kind, hashlib.sha256(data).digest())
        with self._lock:
            if known := self._remembered.get(key):
                return known
            running = self._running.get(key)
            if running is None:
                mine: Future[Answer | None] = Future()
                self._running[key] = mine
        if running is not None:
            return self._others_answer(running)
        return self._own_answer(key, mine, kind, data)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Room for one parser process. Raises ParserBusy where none gets free in time."""
        if not self._places.acquire(blocking=False):
            with self._waiting() as seconds:
                if not self._places.acquire(timeout=seconds):
                    raise ParserBusy
        try:
            yield
        finally:
            self._places.release()

    @contextmanager
    def _waiting(self) -> Iterator[float]:
        if not self._waiting_place.acquire(blocking=False):
            raise ParserBusy
        try:
            yield self._wait_seconds
        finally:
            self._waiting_place.release()

    def _others_answer(self, running: Future[Answer | None]) -> Answer:
        with self._waiting() as seconds:
            try:
                answer = running.result(timeout=seconds)
            except TimeoutError:
                raise ParserBusy from None
        if answer is None:
            raise ParserBusy
        return answer

    def _own_answer(self, key: Key, mine: Future[Answer | None], kind: str, data: bytes) -> Answer:
        answer: Answer | None = None
        try:
            with self.place():
                answer = self._run(kind, data)
            return answer
        finally:
            # Whatever happened, those who wait for this file go on; None: they may try again.
            with self._lock:
                del self._running[key]
                if answer is not None:
                    self._remembered.put(key, answer)
            mine.set_result(answer)

    def _run(self, kind: str, data: bytes) -> Answer:
        try:
            done = subprocess.run(  # noqa: S603  (our own module)
                [*self._command, kind],
                input=data,
                capture_output=True,
                timeout=self._whole_seconds,
                check=True,
                cwd=PROJECT,
                # Keys of this process are no business of a parser that reads strangers' files.
                env={"PATH": os.environ.get("PATH", ""), "PYTHONUTF8": "1"},
            )
            answer: Answer = json.loads(done.stdout)
        except subprocess.TimeoutExpired:
            # A costly file ends at its limit of processor time, long before: this is our own load.
            raise ParserBusy from None
        except subprocess.CalledProcessError as ended:
            # A sound file may cost too much: that it is damaged would be no true word of it.
            return {"refused": TOO_COSTLY if ended.returncode in OVER_TIME else UNREADABLE}
        except json.JSONDecodeError:
            # The library stumbled: a fault of the file, not of ours.
            return {"refused": UNREADABLE}
        return answer


PARSERS = ParserPool()

"""How long, how much and for whom the web server reads the body of a request.

Everything here runs on a web process's event loop, before a worker thread is taken: who sends
slowly holds a connection and what arrived so far, never a thread. The limits are for each process.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds and bytes. The defaults let 6 MB through a line of 0.4 Mbit/s."""

    total_seconds: float = 120
    idle_seconds: float = 15
    allowance_seconds: float = 5
    """Before the minimum rate counts."""
    bytes_per_second: float = 1000
    patience_seconds: float = 1
    """A body that is not whole after this time takes one of its address's places."""
    slow_per_address: int = 16
    held_bytes: int = 64 * 1024 * 1024
    """Of all bodies whose requests have no answer yet."""
    drain_seconds: float = 10
    drain_bytes: int = 64 * 1024 * 1024


class TooSlow(Exception):
    """The body did not arrive in time."""


class TooMany(Exception):
    """No place for one more slow body of this address, or for more bytes in all."""


class ClientGone(Exception):
    """The connection ended before the body did."""


class Bodies:
    """What a web process has of bodies, and the only place that takes more."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._slow: Counter[str] = Counter()
        self._held_bytes = 0

    @contextlib.asynccontextmanager
    async def whole(
        self, chunks: AsyncIterable[bytes], length: int, address: str
    ) -> AsyncIterator[io.BytesIO]:
        """All `length` bytes; they count as held until the block ends.

        Raises TooSlow, TooMany or ClientGone before the block is entered.
        """
        body = io.BytesIO()
        try:
            await self._receive(chunks, body, address)
            if body.tell() < length:
                raise ClientGone
            body.seek(0)
            yield body
        finally:
            self._held_bytes -= body.seek(0, io.SEEK_END)

    async def drop(self, chunks: AsyncIterable[bytes]) -> None:
        """Read on for a moment: a browser that is still sending when the connection closes shows
        its own error instead of our page."""
        left = self._limits.drain_bytes
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.drain_seconds):
                async for chunk in chunks:
                    left -= len(chunk)
                    if left < 0:
                        return

    async def _receive(self, chunks: AsyncIterable[bytes], body: io.BytesIO, address: str) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        place = _Place(self._slow, address, self._limits.slow_per_address)
        try:
            async with asyncio.timeout_at(self._deadline(began, began, 0)) as limit:
                patience = loop.call_later(self._limits.patience_seconds, place.take, limit)
                async for chunk in chunks:
                    if self._held_bytes + len(chunk) > self._limits.held_bytes:
                        raise TooMany
                    self._held_bytes += len(chunk)
                    body.write(chunk)
                    if not place.is_refused:
                        limit.reschedule(self._deadline(began, loop.time(), body.tell()))
        except TimeoutError:
            raise (TooMany if place.is_refused else TooSlow) from None
        finally:
            patience.cancel()
            place.leave()

    def _deadline(self, began: float, now: float, received: int) -> float:
        limits = self._limits
        return min(
            began + limits.total_seconds,
            began + limits.allowance_seconds + received / limits.bytes_per_second,
            now + limits.idle_seconds,
        )


class _Place:
    """One address's right to one more slow body, asked for when a body turns out to be slow."""

    def __init__(self, taken: Counter[str], address: str, most: int) -> None:
        self._taken = taken
        self._address = address
        self._most = most
        self._is_taken = False
        self.is_refused = False

    def take(self, limit: asyncio.Timeout) -> None:
        if self._taken[self._address] < self._most:
            self._taken[self._address] += 1
            self._is_taken = True
        else:
            self.is_refused = True
            limit.reschedule(asyncio.get_running_loop().time())

    def leave(self) -> None:
        if self._is_taken:
            self._taken[self._address] -= 1
        if not self._taken[self._address]:
            del self._taken[self._address]

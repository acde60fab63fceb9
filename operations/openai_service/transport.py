"""What the SDK hands its requests to: one exchange a call, read whole and bounded.

httpx2's own client would merge, copy and parse each URL and header list again, follow redirects,
keep cookies and read bodies of any length; its connections cost more than the rest of a call
(docs/performance.md). Here a request goes to a `Line` as it is, and its answer is read to a limit.
Time is not its business: the deadline of a call is set in `client`.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx2

from operations.openai_service.answer import HttpAnswer
from operations.openai_service.unpacking import unpacker

MAX_BODY_BYTES = 2 * 1024 * 1024
"""Unpacked. An answer of this product has a few kilobytes."""

OWN_HEADERS = (("Accept-Encoding", "identity"),)


@dataclass
class CallNote:
    """What is known of an answer while it still comes in, for the case that it never ends."""

    patience_seconds: float
    """For a free connection: a part of the call's time."""
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    too_large: bool = False

    def answer(self) -> HttpAnswer:
        return HttpAnswer(self.status or 0, self.headers, bytes(self.body), self.too_large)


current_call: ContextVar[CallNote] = ContextVar("current_call")


@dataclass(frozen=True)
class Outgoing:
    """A POST, as it is sent."""

    url: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Incoming:
    """An answer whose head has arrived; `chunks` is the body as it travelled, perhaps packed."""

    status: int
    headers: Iterable[tuple[str, str]]
    chunks: AsyncIterator[bytes]


class Line(Protocol):
    """Where calls go: the network, or the provider that is built in."""

    def exchange(
        self, outgoing: Outgoing, *, patience_seconds: float
    ) -> AbstractAsyncContextManager[Incoming]:
        """Send it, after waiting for a free connection at most `patience_seconds`. Raises
        exceptions of httpx2, whatever carries the bytes."""

    async def aclose(self) -> None: ...


class ExchangeClient(httpx2.AsyncClient):
    """The SDK's HTTP client with nothing between a request and its line: no redirects, cookies,
    hooks or authentication flows. Answers are read into the `CallNote` of the call; what the SDK
    gets is enough for it to tell success from failure."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def build_request(
        self,
        method: str,
        url: httpx2.URL | str,
        *,
        content: Any = None,
        headers: Any = None,
        **_: Any,
    ) -> httpx2.Request:
        """Of what the SDK may pass, a call has a URL, headers and a body of bytes. They travel
        beside the request, whose own headers and stream are there for the SDK to look at."""
        request = httpx2.Request(
            method,
            parsed(str(url)),
            headers=headers,
            stream=httpx2.ByteStream(content),
            extensions={"outgoing": Outgoing(str(url), [*headers, *OWN_HEADERS], content)},
        )
        request.headers.encoding = "ascii"  # else each look at a header guesses it from all
        return request

    async def send(self, request: httpx2.Request, **_: Any) -> httpx2.Response:
        note = current_call.get()
        outgoing: Outgoing = request.extensions["outgoing"]
        async with self._line.exchange(
            outgoing, patience_seconds=note.patience_seconds
        ) as incoming:
            note.status = incoming.status
            note.headers = {name.lower(): value for name, value in incoming.headers}
            note.too_large = await read_bounded(
                incoming.chunks, note.headers.get("content-encoding", ""), note.body
            )
        return httpx2.Response(incoming.status, request=request)

    async def aclose(self) -> None:
        await self._line.aclose()
        await super().aclose()


@functools.lru_cache(maxsize=256)
def parsed(url: str) -> httpx2.URL:
    return httpx2.URL(url)


async def read_bounded(
    chunks: AsyncIterator[bytes], content_encoding: str, body: bytearray
) -> bool:
    """Unpack the body into `body` up to the limit; True where it goes on beyond it.

    A stream that stops being what it says ends the reading: what was unpacked so far is judged.
    """
    unpack = unpacker(content_encoding)
    async for chunk in chunks:
        try:
            body += unpack(chunk, MAX_BODY_BYTES + 1 - len(body))
        except zlib.error:
            return False
        if len(body) > MAX_BODY_BYTES:
            return True
    return False

"""The guard between the SDK and the network: bounded bodies, kept statuses, chosen proxies.

httpx2 reads bodies of any length, unpacks gzip bombs, forgets the status of an answer that breaks
off, ignores the proxy variables once it is given a transport, and keeps cookies. This wrapper does
none of that. Time is not its business: the deadline of a call is set in `client`.
"""

from __future__ import annotations

import functools
import ssl
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from urllib.request import getproxies, proxy_bypass

import httpx2

from operations.errors import NetworkError
from operations.openai_service.answer import Answer

MAX_BODY_BYTES = 2 * 1024 * 1024
"""Unpacked. An answer of this product has a few kilobytes."""

# They describe the body as it travelled, not as it is handed on; a cookie of one key's answer must
# not be sent with another key.
DROPPED_HEADERS = ("content-encoding", "content-length", "transfer-encoding", "set-cookie")


@dataclass
class CallNote:
    """What is known of an answer while it still comes in, for the case that it never ends."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)

    def answer(self) -> Answer:
        return Answer(self.status or 0, self.headers, bytes(self.body))


current_call: ContextVar[CallNote | None] = ContextVar("current_call", default=None)


class Line(Protocol):
    """Where calls go: the network, or the provider that is built in."""

    def lane(self, url: httpx2.URL) -> AbstractContextManager[httpx2.AsyncBaseTransport]: ...

    async def aclose(self) -> None: ...


class Guard(httpx2.AsyncBaseTransport):
    """Hands on answers that are read whole, unpacked and bounded."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        with self._line.lane(request.url) as transport:
            return await self._exchange(transport, request)

    async def _exchange(
        self, transport: httpx2.AsyncBaseTransport, request: httpx2.Request
    ) -> httpx2.Response:
        note = current_call.get() or CallNote()
        response = await transport.handle_async_request(request)
        note.status = response.status_code
        note.headers = {name.lower(): value for name, value in response.headers.items()}
        try:
            too_large = await read_bounded(response, note.body)
        finally:
            await response.aclose()
        return httpx2.Response(
            response.status_code,
            headers=[(n, v) for n, v in note.headers.items() if n not in DROPPED_HEADERS],
            content=bytes(note.body),
            extensions={"too_large": too_large},
        )

    async def aclose(self) -> None:
        await self._line.aclose()


async def read_bounded(response: httpx2.Response, body: bytearray) -> bool:
    """Unpack the body into `body` up to the limit; True where it goes on beyond it.

    A stream that is no gzip although it says so ends the reading: what was unpacked so far is
    judged, and it is no JSON.
    """
    unpack = unpacker(response.headers.get("content-encoding", ""))
    stream = response.stream
    assert isinstance(stream, httpx2.AsyncByteStream)
    async for chunk in stream:
        try:
            body += unpack(chunk, MAX_BODY_BYTES + 1 - len(body))
        except zlib.error:
            return False
        if len(body) > MAX_BODY_BYTES:
            return True
    return False


class Unpack(Protocol):
    def __call__(self, chunk: bytes, room: int, /) -> bytes: ...


def unpacker(content_encoding: str) -> Unpack:
    """For one body. We ask for `identity`; some servers pack all the same. An encoding that the
    standard library does not know is handed on packed, and is then no JSON."""
    encoding = content_encoding.strip().lower()
    if encoding in ("gzip", "x-gzip"):
        return _inflating(zlib.decompressobj(16 + zlib.MAX_WBITS))
    if encoding == "deflate":
        return _inflating_either()
    return lambda chunk, room: chunk[:room]


def _inflating(inflater: zlib._Decompress) -> Unpack:
    def unpack(chunk: bytes, room: int) -> bytes:
        return inflater.decompress(chunk, room)

    return unpack


def _inflating_either() -> Unpack:
    """To the standard "deflate" means zlib's format, to some servers the bare one."""
    chosen: list[Unpack] = []

    def unpack(chunk: bytes, room: int) -> bytes:
        if chosen:
            return chosen[0](chunk, room)
        for wbits in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
            inflate = _inflating(zlib.decompressobj(wbits))
            try:
                unpacked = inflate(chunk, room)
            except zlib.error:
                continue
            chosen.append(inflate)
            return unpacked
        raise zlib.error("neither form of deflate")

    return unpack


@functools.cache
def tls_context() -> ssl.SSLContext:
    """One for all connections: reading the system's certificates takes tens of milliseconds."""
    return httpx2.create_ssl_context()


class Network:
    """Direct connections, or through the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY say."""

    def __init__(self, most: int, keepalive_seconds: float) -> None:
        self._most = most
        self._limits = httpx2.Limits(
            max_connections=1, max_keepalive_connections=1, keepalive_expiry=keepalive_seconds
        )
        self._proxies = getproxies()
        self._lanes: dict[str, Lanes] = {}
        self._routes: dict[tuple[str, str], str] = {}

    @contextmanager
    def lane(self, url: httpx2.URL) -> Iterator[httpx2.AsyncBaseTransport]:
        proxy = self._route(url)
        if proxy not in self._lanes:
            self._lanes[proxy] = Lanes(self._most, partial(self._open, proxy))
        lanes = self._lanes[proxy]
        transport = lanes.take()
        try:
            yield transport
        finally:
            lanes.give_back(transport)

    def _route(self, url: httpx2.URL) -> str:
        """The proxy's URL, or "" for none."""
        place = (url.scheme, url.host)
        if place not in self._routes:
            proxy = self._proxies.get(url.scheme) or self._proxies.get("all") or ""
            self._routes[place] = "" if proxy_bypass(url.host) else proxy
        return self._routes[place]

    def _open(self, proxy: str) -> httpx2.AsyncHTTPTransport:
        make: Callable[..., httpx2.AsyncHTTPTransport] = httpx2.AsyncHTTPTransport
        if not proxy:
            return make(verify=tls_context(), limits=self._limits)
        try:
            url = proxy if "://" in proxy else f"http://{proxy}"
            return make(verify=tls_context(), limits=self._limits, proxy=url)
        except (ValueError, ImportError, httpx2.InvalidURL) as error:
            raise NetworkError("PROXY_ERROR", maybe_processed=False) from error

    async def aclose(self) -> None:
        for lanes in self._lanes.values():
            await lanes.aclose()


class Lanes:
    """Transports of one connection each; the one used last is used next, so it is still open.

    One pool of many connections looks at all of them for each call: at 200 in flight that is nearly
    half of a call's CPU.
    """

    def __init__(self, most: int, open_transport: Callable[[], httpx2.AsyncHTTPTransport]) -> None:
        self._most = most
        self._open = open_transport
        self._idle: list[httpx2.AsyncHTTPTransport] = []
        self._users: dict[httpx2.AsyncHTTPTransport, int] = {}

    def take(self) -> httpx2.AsyncHTTPTransport:
        """An idle lane, else a new one, else the least busy: its pool then makes the call wait."""
        if self._idle:
            transport = self._idle.pop()
        elif len(self._users) < self._most:
            transport = self._open()
        else:
            transport = min(self._users, key=self._users.__getitem__)
        self._users[transport] = self._users.get(transport, 0) + 1
        return transport

    def give_back(self, transport: httpx2.AsyncHTTPTransport) -> None:
        self._users[transport] -= 1
        if not self._users[transport]:
            self._idle.append(transport)

    async def aclose(self) -> None:
        for transport in self._users:
            await transport.aclose()

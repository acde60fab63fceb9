"""The network under the SDK: aiohttp's connections, whose cost does not grow with their number.

What goes wrong is told in httpx2's words, the SDK's own, so that the SDK and the classifier need to
know one library. aiohttp's classes are mapped by what they say about the phase: whether the request
can have reached the provider decides whether a retry may be paid twice.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2
import yarl
from aiohttp import http_exceptions

from operations.errors import NetworkError
from operations.openai_service.transport import Incoming, Outgoing

TRANSLATION: dict[type[Exception], type[httpx2.RequestError]] = {
    aiohttp.ClientError: httpx2.TransportError,
    # before anything was sent
    aiohttp.ClientConnectorError: httpx2.ConnectError,
    aiohttp.ClientSSLError: httpx2.ConnectError,
    aiohttp.ServerFingerprintMismatch: httpx2.ConnectError,
    aiohttp.ConnectionTimeoutError: httpx2.ConnectTimeout,
    # One that refuses us may be restarting; one that answers with a refusal is set up wrongly.
    aiohttp.ClientProxyConnectionError: httpx2.ConnectError,
    aiohttp.ClientHttpProxyError: httpx2.ProxyError,
    aiohttp.InvalidURL: httpx2.UnsupportedProtocol,
    aiohttp.NonHttpUrlClientError: httpx2.UnsupportedProtocol,
    # after it
    aiohttp.ServerTimeoutError: httpx2.ReadTimeout,
    aiohttp.ClientConnectionError: httpx2.ReadError,
    aiohttp.ClientOSError: httpx2.ReadError,
    aiohttp.ServerDisconnectedError: httpx2.RemoteProtocolError,
    aiohttp.ClientPayloadError: httpx2.RemoteProtocolError,
    aiohttp.ClientResponseError: httpx2.RemoteProtocolError,
    http_exceptions.HttpProcessingError: httpx2.RemoteProtocolError,
    # what aiohttp lets through
    TimeoutError: httpx2.ReadTimeout,
    OSError: httpx2.ReadError,
}
"""The most specific class wins. `ClientResponseError` is what a head that is no HTTP becomes."""


@functools.cache
def tls_context() -> ssl.SSLContext:
    """One for all connections: reading the system's certificates takes tens of milliseconds."""
    context = httpx2.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class Network:
    """Direct connections, or through the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY say.

    `most`: connections at the same time; further calls wait for one.
    """

    def __init__(self, *, most: int, connect_seconds: float, keepalive_seconds: float) -> None:
        self._free = asyncio.Semaphore(most)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=keepalive_seconds, ssl=tls_context()
            ),
            # The deadline of the whole call is its caller's.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
        )
        self._proxies = getproxies()
        self._routes: dict[tuple[str, str], yarl.URL | None] = {}

    @asynccontextmanager
    async def exchange(
        self, outgoing: Outgoing, *, patience_seconds: float
    ) -> AsyncIterator[Incoming]:
        await self._take_turn(patience_seconds)
        try:
            url = _url(outgoing.url)
            async with self._session.post(
                url,
                headers=outgoing.headers,
                data=outgoing.body,
                allow_redirects=False,
                proxy=self._route(url),
            ) as response:
                yield Incoming(
                    response.status, response.headers.items(), response.content.iter_any()
                )
            return
        except (aiohttp.ClientError, http_exceptions.HttpProcessingError, OSError) as error:
            failure, cause = translated(error), printable_cause(error)
        finally:
            self._free.release()
        raise failure from cause

    async def _take_turn(self, patience_seconds: float) -> None:
        """Our own shortage of connections is not the provider's slowness, and nothing was sent."""
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(patience_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise httpx2.PoolTimeout("all connections are in use") from None

    def _route(self, url: yarl.URL) -> yarl.URL | None:
        """The proxy's URL, or None."""
        place = (url.scheme, url.host or "")
        if place not in self._routes:
            proxy = self._proxies.get(url.scheme) or self._proxies.get("all") or ""
            self._routes[place] = _proxy(proxy) if proxy and not proxy_bypass(place[1]) else None
        return self._routes[place]

    async def aclose(self) -> None:
        await self._session.close()


@functools.lru_cache(maxsize=256)
def _url(text: str) -> yarl.URL:
    return yarl.URL(text, encoded=True)


def _proxy(text: str) -> yarl.URL:
    """aiohttp speaks to HTTP proxies alone. A fault of the set-up is not worth a retry."""
    try:
        url = yarl.URL(text if "://" in text else f"http://{text}")
    except ValueError as error:
        raise NetworkError("PROXY_ERROR", maybe_processed=False) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise NetworkError("PROXY_ERROR", maybe_processed=False)
    return url


def translated(error: Exception) -> httpx2.RequestError:
    """httpx2's word for a failure of aiohttp."""
    if goes_on_after_its_end(error):
        return httpx2.DecodingError("longer than it said")
    word = next(TRANSLATION[c] for c in type(error).__mro__ if c in TRANSLATION)
    return word(type(error).__name__)


def printable_cause(error: Exception) -> Exception | None:
    """None for the class that carries the request's headers, and with them the key."""
    return None if isinstance(error, aiohttp.ClientResponseError) else error


def goes_on_after_its_end(error: Exception) -> bool:
    """Whether more bytes came than the head had announced.

    aiohttp takes them for the next answer and refuses them together with the one before. Its
    message points at the place: no answer begins in the middle of a line.
    """
    refused = error.__cause__.__cause__ if error.__cause__ else None
    if not isinstance(refused, http_exceptions.BadStatusLine):
        return False
    line, _, pointer = str(refused.message).rstrip().rpartition("\n")
    indent = len(line.rpartition("\n")[2]) - len(line.rpartition("\n")[2].lstrip())
    return pointer.index("^") - indent > len("b'")

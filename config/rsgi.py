"""Django behind granian's RSGI: the body is read before a thread is taken, then WSGI as ever.

RSGI hands the body over while it arrives; granian's own WSGI mode lets the thread that runs the
view wait for it, without a time-out (docs/decisions/0015-bodies-before-threads.md).
"""

from __future__ import annotations

import asyncio
import io
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian.rsgi import Scope

from config import draining, refused
from config.bodies import Bodies, ClientGone, Limits, TooMany, TooSlow
from config.wsgi import application
from operations import telemetry
from operations.limits.address import address_in

# Views that compute gain nothing from more threads than cores. Those that wait do: for SQLite's
# write lock, two for a password to be hashed, three for a file to be read; the rest stays free.
THREADS = 8
PIECE_BYTES = 64 * 1024
LONGEST_TARGET = 8 * 1024
"""Characters of path and query string, as nginx takes them by default. No link of ours has more."""
UNKNOWN_LENGTH = -1

# A statement lets go of the interpreter's lock a dozen times; under load each return to it takes as
# long as this for every thread that computes (5 ms by default), and SQLite's write lock is held
# meanwhile: everybody waits for the slowest.
sys.setswitchinterval(0.0005)

bodies = Bodies(Limits())
_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="web")


class Application:
    """What granian runs in each of its processes; the names are of its RSGI."""

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """In the process that serves, after its fork."""
        loop.add_signal_handler(draining.SIGNAL, draining.begin)
        telemetry.start_spans("web")
        telemetry.start_reports("web")

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """When the last request is answered; at this process's end no `atexit` runs."""
        telemetry.flush()

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        environ = _environ(scope)
        if len(scope.path) + len(scope.query_string) > LONGEST_TARGET:
            await bodies.drop(protocol)
            protocol.response_bytes(*refused.too_long(environ))
            return
        length = _body_length(environ)
        if length == 0:
            await _in_thread(environ, io.BytesIO(), protocol)
        elif length == UNKNOWN_LENGTH or length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            # Django refuses or ignores it by the header alone: 411, 413.
            await bodies.drop(protocol)
            await _in_thread(environ, io.BytesIO(), protocol)
        else:
            await _with_body(environ, length, protocol)


app = Application()


async def _with_body(environ: dict[str, Any], length: int, protocol: HTTPProtocol) -> None:
    try:
        async with bodies.whole(protocol, length, address_in(environ)) as body:
            await _in_thread(environ, body, protocol)
    except TooSlow:
        protocol.response_bytes(*refused.too_slow(environ))
    except TooMany:
        protocol.response_bytes(*refused.too_many(environ))
    except ClientGone:
        protocol.response_empty(400, [])


async def _in_thread(environ: dict[str, Any], body: io.BytesIO, protocol: HTTPProtocol) -> None:
    environ["wsgi.input"] = body
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(_threads, _answer, environ, protocol, loop)


class _Start:
    """The `start_response` of PEP 3333."""

    status = 500
    headers: list[tuple[str, str]]

    def __call__(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        self.status = int(status.split(" ", 1)[0])
        self.headers = headers
        return _no_writing


def _no_writing(data: bytes) -> None:
    raise NotImplementedError  # of PEP 3333's two ways Django uses the other one


def _answer(
    environ: dict[str, Any], protocol: HTTPProtocol, loop: asyncio.AbstractEventLoop
) -> None:
    start = _Start()
    response: Any = application(environ, start)
    if draining.is_draining():
        start.headers.append(("connection", "close"))
    try:
        pieces = _pieces(response)
        first, second = next(pieces, b""), next(pieces, None)
        if second is None:
            protocol.response_bytes(start.status, start.headers, first)
            return
        # The client's pace is granian's matter: what it has not taken yet waits in its queue.
        transport = protocol.response_stream(start.status, start.headers)
        for piece in itertools.chain((first, second), pieces):
            _send(transport, piece, loop)
    finally:
        response.close()


def _pieces(response: Iterable[bytes]) -> Iterator[bytes]:
    """The response in pieces of about PIECE_BYTES: a stream may come a line at a time."""
    piece = bytearray()
    for part in response:
        piece += part
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def _send(transport: Any, piece: bytes, loop: asyncio.AbstractEventLoop) -> None:
    """Raises once the client has gone."""
    asyncio.run_coroutine_threadsafe(_sent(transport, piece), loop).result()


async def _sent(transport: Any, piece: bytes) -> None:
    await transport.send_bytes(piece)


def _environ(scope: Scope) -> dict[str, Any]:
    """PEP 3333, as granian's own WSGI mode fills it, but for headers with an underscore: they would
    pass for the ones that a proxy sets with a hyphen."""
    host, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SCRIPT_NAME": "",
        "SERVER_SOFTWARE": "Granian",
        "SERVER_NAME": host.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        if "_" not in name:
            _add_header(environ, name.upper().replace("-", "_"), value)
    return environ


def _add_header(environ: dict[str, Any], name: str, value: str) -> None:
    key = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
    if key in environ:
        value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
    environ[key] = value


def _body_length(environ: dict[str, Any]) -> int:
    if "CONTENT_LENGTH" in environ:
        return int(environ["CONTENT_LENGTH"])
    return UNKNOWN_LENGTH if "HTTP_TRANSFER_ENCODING" in environ else 0

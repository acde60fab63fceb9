"""The provider of the bench: an HTTP/1.1 server that does next to nothing for an answer.

`python -m bench.stub --port P --latency S`. It finds the job's id in the request's bytes, fills it
into an answer that `content` made once, and sends that after the latency. `GET /figures` tells how
many calls were answered, `GET /latency/S` changes the latency and `GET /status/N` makes
every call fail. Ends when its input closes.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import hashlib
import json
import re
import sys
from typing import cast

import uvloop

from bench.content import ID_LENGTH, MARKER_FIRST, MARKER_LAST, body_of_answer, right_answer

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_EXAMPLE = "00000000-0000-4000-8000-000000000000"


class Template:
    """An answer's bytes, cut where they differ from job to job. Making each with `json.dumps`
    costs more than everything else here together."""

    def __init__(self) -> None:
        digest = self._digest(_EXAMPLE.encode())
        score = f'\\"score\\": {right_answer(_EXAMPLE)["score"]}'.encode()
        body = body_of_answer(_EXAMPLE)
        before, found, rest = body.partition(score)
        assert found
        self._before = before + b'\\"score\\": '
        self._middle, *short, self._after = self._cut(rest, digest)
        self._short = short
        head = (
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
            f"x-request-id: req_bench\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self._before = head.encode() + self._before

    @staticmethod
    def _digest(job: bytes) -> bytes:
        return hashlib.blake2b(job, digest_size=16).hexdigest().encode()

    @staticmethod
    def _cut(rest: bytes, digest: bytes) -> list[bytes]:
        """The long digest once, then the short one three times."""
        middle, after = rest.split(digest)
        return [middle, *after.split(digest[:8])]

    def fill(self, job: bytes) -> bytes:
        digest = self._digest(job)
        score = b"%d" % (1 + int(digest[:4], 16) % 5)
        return b"".join(
            (
                self._before,
                score,
                self._middle,
                digest,
                digest[:8].join((*self._short, self._after)),
            )
        )


class Figures:
    latency = 0.0
    status = 0
    """Of the error that every call is answered with; 0: a good answer."""
    answered = 0
    refused = 0
    in_flight = 0
    most_in_flight = 0
    shortest = 1 << 30
    longest = 0
    """Bytes of a request's body: every side sends the same prompt."""


def connection_class(template: Template) -> type[asyncio.Protocol]:
    loop = asyncio.get_running_loop()

    class Connection(asyncio.Protocol):
        transport: asyncio.Transport
        buffer = b""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.Transport, transport)

        def data_received(self, data: bytes) -> None:
            self.buffer = self.buffer + data if self.buffer else data
            while self.buffer:
                head = self.buffer.find(b"\r\n\r\n")
                if head < 0:
                    return
                length = LENGTH.search(self.buffer, 0, head)
                end = head + 4 + (int(length[1]) if length else 0)
                if len(self.buffer) < end:
                    return
                request, self.buffer = self.buffer[:end], self.buffer[end:]
                self.answer(request, end - head - 4)

        def answer(self, request: bytes, size: int) -> None:
            if request.startswith(b"GET "):
                body = json.dumps(figures_for(request)).encode()
                self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body))
                self.transport.write(body)
                return
            job = job_of(request)
            if job is None:
                Figures.refused += 1
                self.transport.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
                return
            Figures.in_flight += 1
            Figures.most_in_flight = max(Figures.most_in_flight, Figures.in_flight)
            Figures.shortest = min(Figures.shortest, size)
            Figures.longest = max(Figures.longest, size)
            if Figures.latency:
                loop.call_later(Figures.latency, self.send, job)
            else:
                self.send(job)

        def send(self, job: bytes) -> None:
            Figures.in_flight -= 1
            if not self.transport.is_closing():
                Figures.answered += 1
                self.transport.write(refusal(Figures.status) or template.fill(job))

    return Connection


def job_of(request: bytes) -> bytes | None:
    """The id at the prompt's start, if its end bears the same one."""
    first = request.find(MARKER_FIRST) + len(MARKER_FIRST)
    last = request.rfind(MARKER_LAST) + len(MARKER_LAST)
    job = request[first : first + ID_LENGTH]
    return job if last > first and request[last : last + ID_LENGTH] == job else None


@functools.cache
def refusal(status: int) -> bytes:
    """As OpenAI words it, without a Retry-After: that would replace the waits that are compared."""
    if not status:
        return b""
    kind = "server_error" if status >= 500 else "requests"
    code = None if status >= 500 else "rate_limit_exceeded"
    body = json.dumps({"error": {"message": "no", "type": kind, "param": None, "code": code}})
    return (
        f"HTTP/1.1 {status} Error\r\ncontent-type: application/json\r\n"
        f"x-request-id: req_bench\r\ncontent-length: {len(body)}\r\n\r\n{body}"
    ).encode()


def figures_for(request: bytes) -> dict[str, int]:
    """All figures. `GET /latency/S` and `GET /status/N` hold for calls answered from then on."""
    if request.startswith(b"GET /status/"):
        Figures.status = int(request.split(b" ", 2)[1].removeprefix(b"/status/"))
    if request.startswith(b"GET /latency/"):
        Figures.latency = float(request.split(b" ", 2)[1].removeprefix(b"/latency/"))
    return {
        "answered": Figures.answered,
        "refused": Figures.refused,
        "most_in_flight": Figures.most_in_flight,
        "shortest_request": Figures.shortest,
        "longest_request": Figures.longest,
    }


async def serve(port: int, latency: float) -> None:
    loop = asyncio.get_running_loop()
    Figures.latency = latency
    connection = connection_class(Template())
    server = await loop.create_server(connection, "127.0.0.1", port, backlog=4096)
    async with server:
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--latency", type=float, required=True)
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.latency))

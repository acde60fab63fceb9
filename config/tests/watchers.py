"""Stand-ins for what watches from outside: one server that keeps whatever is posted to it."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue


@dataclass(frozen=True)
class SeenSpan:
    service: str
    name: str
    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    attributes: dict[str, Any]
    is_error: bool


@dataclass(frozen=True)
class Told:
    """One firing of an alert."""

    name: str
    since: datetime
    has_cleared: bool


class Watcher:
    """An OpenTelemetry collector (OTLP over HTTP), a Sentry and an Alertmanager, on one port of
    loopback."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, bytes]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def everything(self) -> str:
        """All that was posted, as text in which a word can be looked for."""
        return "\n".join(body.decode("utf-8", "replace") for _, body in self.posts)

    def spans(self) -> Iterator[SeenSpan]:
        for body in self._at("/v1/traces"):
            for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                resource = _plain(of_resource.resource.attributes)
                for of_scope in of_resource.scope_spans:
                    for span in of_scope.spans:
                        yield SeenSpan(
                            resource["service.name"],
                            span.name,
                            span.trace_id,
                            span.span_id,
                            span.parent_span_id,
                            _plain(span.attributes),
                            span.status.code == span.status.STATUS_CODE_ERROR,
                        )

    def events(self) -> list[dict[str, Any]]:
        """What a Sentry got: in each envelope a header, then pairs of an item's header and body."""
        items = (item for body in self._at("/api/1/envelope/") for item in _items(body))
        return [json.loads(body) for kind, body in items if kind == "event"]

    def alerts(self) -> set[Told]:
        """What an Alertmanager got. Each alert is posted again and again while it fires, with an
        end that lies ahead, and when it has cleared, with the end that it had."""
        ends: dict[tuple[str, datetime], datetime] = {}
        for body in self._at("/api/v2/alerts"):
            for each in json.loads(body):
                begin, end = (datetime.fromisoformat(each[key]) for key in ("startsAt", "endsAt"))
                ends[each["labels"]["alertname"], begin] = end
        now = datetime.now(UTC)
        return {Told(name, begin, end < now) for (name, begin), end in ends.items()}

    def _at(self, path: str) -> list[bytes]:
        return [body for posted_to, body in self.posts if posted_to == path]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        posts = self.posts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                posts.append((self.path, body))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None: ...

        return Handler


def _plain(pairs: list[KeyValue]) -> dict[str, Any]:
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in pairs}


def _items(envelope: bytes) -> Iterator[tuple[str, bytes]]:
    lines = envelope.split(b"\n")[1:]
    for header, body in zip(lines[::2], lines[1::2], strict=False):
        yield json.loads(header)["type"], body

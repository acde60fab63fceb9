"""A provider on loopback whose acceptance of our key can be switched, as an account's can.

Where it accepts, it answers what the kind itself would simulate, so whole interviews work with it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from operations.kinds import get_kind

REFUSAL = {
    "error": {
        "message": "Incorrect API key provided.",
        "type": "invalid_request_error",
        "code": "invalid_api_key",
    }
}


class SwitchedProvider(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.accepts_key = True
        self.content_of: Callable[[dict[str, Any]], object] = simulated

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: SwitchedProvider
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.accepts_key:
            self._answer(200, completion(request, self.server.content_of(request)))
        else:
            self._answer(401, REFUSAL)

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("x-request-id", "req_switched")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: Any) -> None:
        """A test's output is for failures."""


def kind_of(request: dict[str, Any]) -> str:
    return str(request["response_format"]["json_schema"]["name"])


def simulated(request: dict[str, Any]) -> object:
    return get_kind(kind_of(request)).simulate(request)


def completion(request: dict[str, Any], content: object) -> dict[str, Any]:
    message = {"role": "assistant", "content": json.dumps(content), "refusal": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 300, "total_tokens": 1200},
    }


@contextmanager
def switched_provider() -> Iterator[SwitchedProvider]:
    with SwitchedProvider() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()

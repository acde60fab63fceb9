"""Plays `data/field_cases.json` on loopback: answers from public reports, byte for byte.

The request's model picks the case (`field:NAME`); its answers come in order, the last one again and
again.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CASES: dict[str, dict[str, Any]] = {
    case["name"]: case
    for case in json.loads(
        (Path(__file__).parent / "data" / "field_cases.json").read_text(encoding="utf-8")
    )
}


class FieldServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: dict[str, list[dict[str, Any]]] = defaultdict(list)
        """The bodies of the requests, by case."""

    def __enter__(self) -> FieldServer:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def answer_to(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["model"].removeprefix("field:")
        self.seen[name].append(request)
        answers = CASES[name]["answers"]
        answer: dict[str, Any] = answers[min(len(self.seen[name]), len(answers)) - 1]
        return answer


class _Handler(BaseHTTPRequestHandler):
    server: FieldServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        answer = self.server.answer_to(json.loads(self.rfile.read(length)))
        body = _body(answer)
        self.send_response(answer["status"])
        for name, value in answer["headers"].items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        waits = answer.get("chunks_seconds", [0])
        size = -(-len(body) // len(waits))
        for number, seconds in enumerate(waits):
            time.sleep(seconds)
            self.wfile.write(body[number * size : (number + 1) * size])

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal of the tests."""


def _body(answer: dict[str, Any]) -> bytes:
    if "body_base64" in answer:
        return base64.b64decode(answer["body_base64"])
    return str(answer["body"]).encode()

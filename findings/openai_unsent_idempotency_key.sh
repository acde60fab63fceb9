#!/usr/bin/env bash
# openai 3.54.0: the request option `idempotency_key` is taken and never sent.
#
# One would expect: the key reaches the server in a header, the same one when the SDK repeats the
# request by itself, so that a repeated request is done once.
# Instead: no header of either request holds it. The client has a place for the header's name, and
# for OpenAI it is None. Nothing is raised or logged.
# Why it matters: whoever trusts the option pays twice for each answer that was lost on its way.
# In the product: an operation is a row whose fence lets one result in (operations/engine/).
# Each error says whether the provider may have done the work (`maybe_processed` in
# operations/errors/rules.py). operations/openai_service/client.py sends no key.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    openai==3.54.0 httpx2==2.16.2 pydantic==2.14.3

"$work/venv/bin/python" - <<'PYTHON'
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai

KEY = "answer-7-of-session-3"


class Server(BaseHTTPRequestHandler):
    """The first request fails, further ones succeed."""

    requests = []

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.requests.append(self.headers.items())
        self.send_response(500 if len(self.requests) == 1 else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(
    api_key="none", base_url=f"http://127.0.0.1:{server.server_port}/v1", max_retries=1
)


def holds_key(headers):
    return any(value == KEY for _, value in headers)


def expect(seen, statement):
    if not seen:
        sys.exit(f"NOT SO (any more): {statement}")
    print(f"seen: {statement}")


client.post("/chat/completions", cast_to=object, body={}, options={"idempotency_key": KEY})
by_option = list(Server.requests)
client.post(
    "/chat/completions", cast_to=object, body={}, options={"headers": {"Idempotency-Key": KEY}}
)
by_header = Server.requests[-1]

print("openai", openai.__version__)
for number, headers in enumerate(by_option, start=1):
    print(f"request {number}, by the option:", "key sent" if holds_key(headers) else "no key")
print("request 3, by a header of our own:", "key sent" if holds_key(by_header) else "no key")

expect(len(by_option) == 2, "the SDK repeats the request after a 500")
expect(
    not any(map(holds_key, by_option)),
    "neither the request nor its repetition carries the idempotency_key that was given",
)
expect(holds_key(by_header), "a header that one sets oneself does arrive")
PYTHON

#!/usr/bin/env bash
# openai 3.54.0: `Retry-After: 121` switches the SDK's retries off.
#
# One would expect: a wait that is too long for the SDK is cut, or replaced by its own back-off, as
# it does with a value that it cannot read. `max_retries` says how often it asks.
# Instead: above 120 seconds it does not ask again at all. The same 429 with `Retry-After: 1`, or
# with `Retry-After: soon`, is asked again.
# Why it matters: limits per hour and per day ask for waits of that length. Whoever counts on the
# SDK's three requests gets one, and the same limit is retried or not by how long it has left.
# In the product: the SDK's retries are off (operations/openai_service/client.py). retry_after.py
# there reads the header up to a day, and operations/retry.py decides.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    openai==3.54.0 httpx2==2.16.2 pydantic==2.14.3

"$work/venv/bin/python" - <<'PYTHON'
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai

BODY = b'{"error": {"code": "rate_limit_exceeded", "message": "Rate limit reached"}}'


class Server(BaseHTTPRequestHandler):
    retry_after, requests = "", 0

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        Server.requests += 1
        self.send_response(429)
        self.send_header("Retry-After", self.retry_after)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(
    api_key="none", base_url=f"http://127.0.0.1:{server.server_port}/v1", max_retries=2
)


def requests_for(retry_after):
    """How many requests one call makes."""
    Server.retry_after, Server.requests = retry_after, 0
    began = time.monotonic()
    try:
        client.chat.completions.create(
            model="any", messages=[{"role": "user", "content": "Hello"}]
        )
    except openai.RateLimitError:
        seconds = time.monotonic() - began
        print(f"Retry-After: {retry_after:>4} -> {Server.requests} requests in {seconds:.1f} s")
    return Server.requests


def expect(seen, statement):
    if not seen:
        sys.exit(f"NOT SO (any more): {statement}")
    print(f"seen: {statement}")


print("openai", openai.__version__, "with max_retries=2")
short, unreadable, long = requests_for("1"), requests_for("soon"), requests_for("121")

expect(short == 3, "one second is waited for, twice")
expect(unreadable == 3, "an unreadable value is replaced by the SDK's own back-off")
expect(long == 1, "121 seconds: the SDK asks once and gives up at once")
PYTHON

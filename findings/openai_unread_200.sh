#!/usr/bin/env bash
# openai 3.54.0: an answer with status 200 is returned whatever is in it.
#
# One would expect: `chat.completions.create()` returns a ChatCompletion or raises an OpenAIError. A
# web page, or an object that says "error", is no completion.
# Instead: a page comes back as a `str`; an error object comes back as a ChatCompletion whose
# `choices` are None; an empty body raises `json.JSONDecodeError`, which is no OpenAIError.
# Why it matters: gateways answer 200 with their "please wait" page, and some relays answer 200 with
# the error for an empty account. `except openai.OpenAIError` sees none of the three.
# In the product: operations/openai_service/decode.py reads the bytes itself and names each case;
# client.py asks the SDK for the bare response.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    openai==3.54.0 httpx2==2.16.2 pydantic==2.14.3

"$work/venv/bin/python" - <<'PYTHON'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
from openai.types.chat import ChatCompletion

PAGE = b"<html><body>The service will be back in a minute.</body></html>"
QUOTA = b'{"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}}'


class Server(BaseHTTPRequestHandler):
    body, content_type = b"", ""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", self.content_type)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(
    api_key="none", base_url=f"http://127.0.0.1:{server.server_port}/v1", max_retries=0
)


def answer_to(body, content_type):
    """What `create` returns or raises."""
    Server.body, Server.content_type = body, content_type
    try:
        return client.chat.completions.create(
            model="any", messages=[{"role": "user", "content": "Hello"}]
        )
    except Exception as error:
        return error


def expect(seen, statement):
    if not seen:
        sys.exit(f"NOT SO (any more): {statement}")
    print(f"seen: {statement}")


print("openai", openai.__version__)
page = answer_to(PAGE, "text/html")
print("200, a web page     ->", type(page).__name__, repr(page)[:40])
quota = answer_to(QUOTA, "application/json")
print("200, an error object->", type(quota).__name__, "choices:", getattr(quota, "choices", "-"))
empty = answer_to(b"", "application/json")
print("200, nothing        ->", type(empty).__name__)

expect(isinstance(page, str), "create() returns a web page as a str")
expect(
    isinstance(quota, ChatCompletion) and quota.choices is None,
    "create() returns an error object as a ChatCompletion without choices",
)
expect(
    isinstance(empty, json.JSONDecodeError) and not isinstance(empty, openai.OpenAIError),
    "an empty answer raises json.JSONDecodeError, which is no OpenAIError",
)
PYTHON

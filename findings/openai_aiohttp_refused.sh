#!/usr/bin/env bash
# openai 3.54.0 with aiohttp 3.14.5: a refused connection is reported as a time-out.
#
# One would expect: the SDK's own `DefaultAioHttpClient` changes who carries the bytes, not the
# words for what went wrong. Nobody listens at the port, so: APIConnectionError, as with httpx2.
# Instead: APITimeoutError, "Request timed out.", after a few milliseconds of the 600 seconds that
# were allowed. aiohttp had said ConnectionRefusedError two causes below.
# Why it matters: "refused" means that nothing was sent and a retry is free; "timed out" means that
# the provider may have done the work, and a retry may be paid twice.
# In the product: docs/decisions/0008-aiohttp-under-the-sdk.md. operations/openai_service/network.py
# brings aiohttp under the SDK by itself and has one table of words.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    openai==3.54.0 httpx2==2.16.2 pydantic==2.14.3 aiohttp==3.14.5

"$work/venv/bin/python" - <<'PYTHON'
import asyncio
import socket
import sys
import time

import aiohttp
import openai


def unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def failure_with(http_client, port):
    began = time.monotonic()
    try:
        async with openai.AsyncOpenAI(
            api_key="none",
            base_url=f"http://127.0.0.1:{port}/v1",
            max_retries=0,
            timeout=600,
            http_client=http_client(),
        ) as client:
            await client.chat.completions.create(
                model="any", messages=[{"role": "user", "content": "Hello"}]
            )
    except openai.OpenAIError as error:
        return error, time.monotonic() - began


def causes(error):
    while error:
        yield error
        error = error.__cause__


def expect(seen, statement):
    if not seen:
        sys.exit(f"NOT SO (any more): {statement}")
    print(f"seen: {statement}")


print("openai", openai.__version__, "aiohttp", aiohttp.__version__)
port = unused_port()
usual, _ = asyncio.run(failure_with(openai.DefaultAsyncHttpxClient, port))
other, seconds = asyncio.run(failure_with(openai.DefaultAioHttpClient, port))
print("DefaultAsyncHttpxClient ->", type(usual).__name__, "-", usual)
print("DefaultAioHttpClient    ->", type(other).__name__, "-", other, f"after {seconds:.3f} s")
print("its causes              ->", " < ".join(type(each).__name__ for each in causes(other)))

expect(
    type(usual) is openai.APIConnectionError,
    "a refused connection is an APIConnectionError with httpx2",
)
expect(
    isinstance(other, openai.APITimeoutError) and seconds < 60,
    "it is an APITimeoutError with the SDK's aiohttp client, long before the time is over",
)
expect(
    any(isinstance(each, ConnectionRefusedError) for each in causes(other)),
    "aiohttp itself knew that the connection was refused",
)
PYTHON

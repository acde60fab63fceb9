"""How a careful user asks OpenAI from a worker: one client a process, made on first use (after any
fork), no retries of the SDK's own, as many connections as calls."""

from __future__ import annotations

import functools
import json
import ssl
import threading
from typing import Any

import httpx2
import openai
import tenacity
from django.conf import settings

from bench.content import MODEL, RESPONSE_FORMAT, Feedback, messages, parse
from bench.options import BACKOFF_BASE, RETRIES, current_run

RUN = current_run()
_thread = threading.local()
_lock = threading.Lock()


def _limits(connections: int) -> httpx2.Limits:
    # The SDK keeps 100 connections alive by default; more calls in flight would open new ones.
    return httpx2.Limits(
        max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=60
    )


@functools.cache
def _tls() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def _make_client(connections: int) -> openai.OpenAI:
    http = openai.DefaultHttpxClient(limits=_limits(connections), verify=_tls())
    return openai.OpenAI(
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL,
        timeout=settings.OPENAI_TIMEOUT_SECONDS,
        max_retries=0,
        http_client=http,
    )


@functools.cache
def _shared_client() -> openai.OpenAI:
    return _make_client(RUN.concurrency)


def client() -> openai.OpenAI:
    if not RUN.variant.client_per_thread:
        with _lock:
            return _shared_client()
    if not hasattr(_thread, "client"):
        with _lock:
            _thread.client = _make_client(1)
    found: openai.OpenAI = _thread.client
    return found


@functools.cache
def async_client() -> openai.AsyncOpenAI:
    """github.com/openai/openai-python#with-aiohttp: the default transport's pool gets slower with
    the number of its connections, this one does not."""
    return openai.AsyncOpenAI(
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL,
        timeout=settings.OPENAI_TIMEOUT_SECONDS,
        max_retries=0,
        http_client=openai.DefaultAioHttpClient(limits=_limits(RUN.concurrency)),
    )


retrying = tenacity.retry(
    retry=tenacity.retry_if_exception_type((openai.InternalServerError, openai.APIConnectionError)),
    wait=tenacity.wait_exponential(multiplier=BACKOFF_BASE),
    stop=tenacity.stop_after_attempt(1 + RETRIES),
    reraise=True,
)
"""What a careful user puts around the call. It waits in the worker, as ours does: a queue's own
retry would write the job to the broker and read it again, three times."""


def ask(prompt: str) -> tuple[Feedback, str]:
    if RUN.variant.cheap_call:
        response = client().post("/chat/completions", cast_to=httpx2.Response, body=_body(prompt))
        return _read(response)
    completion = client().chat.completions.create(**_body(prompt))
    return parse(json.loads(completion.choices[0].message.content or "")), completion.model


async def ask_async(prompt: str) -> tuple[Feedback, str]:
    if RUN.variant.cheap_call:
        response = await async_client().post(
            "/chat/completions", cast_to=httpx2.Response, body=_body(prompt)
        )
        return _read(response)
    completion = await async_client().chat.completions.create(**_body(prompt))
    return parse(json.loads(completion.choices[0].message.content or "")), completion.model


def _body(prompt: str) -> dict[str, Any]:
    return {
        "model": MODEL,
        "messages": messages(prompt),
        "response_format": RESPONSE_FORMAT,
    }


def _read(response: httpx2.Response) -> tuple[Feedback, str]:
    answer = response.json()
    return parse(json.loads(answer["choices"][0]["message"]["content"])), answer["model"]

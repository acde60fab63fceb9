"""The provider that is built in: a line that answers like OpenAI, without a network.

It stands below the real SDK, so a simulated call runs the same code as a real one. The text of an
answer comes from the kind's own `simulate`; faults come at the rates of SIMULATED_FAULTS, the same
ones in each run of the same calls.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from django.conf import settings

from operations.errors import Category
from operations.errors.simulated_faults import FAULT_MODEL, parse_faults
from operations.kinds import get_kind
from operations.openai_service.transport import Incoming, Outgoing
from operations.prices import SIMULATED_MODEL

REQUEST_ID = "req_simulated"
FAULT_BODY = re.compile(
    rb'\{"model": "%s(%s)"' % (FAULT_MODEL.encode(), "|".join(Category).encode())
)
"""As `requesting.encode` begins: text that a person wrote stands behind it."""

# Of all calls of this process: the second try of a call must be able to end otherwise.
_calls = itertools.count()


def _error(status: int, code: str | None, kind: str, **headers: str) -> httpx2.Response:
    error = {"message": "simulated", "type": kind, "param": None, "code": code}
    return httpx2.Response(
        status, headers={"x-request-id": REQUEST_ID, **headers}, json={"error": error}
    )


def fault_answer(category: Category) -> httpx2.Response:
    """An answer of the category's most common form. Raises for a network failure."""
    match category:
        case Category.NETWORK:
            raise httpx2.ReadError("simulated")
        case Category.AUTHENTICATION:
            return _error(401, "invalid_api_key", "invalid_request_error")
        case Category.RATE_LIMIT:
            return _error(429, "rate_limit_exceeded", "requests", **{"retry-after": "20"})
        case Category.QUOTA_EXCEEDED:
            return _error(429, "insufficient_quota", "insufficient_quota")
        case Category.SERVER_ERROR:
            return _error(500, None, "server_error")
        case Category.INVALID_RESPONSE:
            return _completion("{")
        case Category.CONTENT_BLOCKED:
            return _error(400, "content_filter", "invalid_request_error")
        case Category.INVALID_REQUEST:
            return _error(400, None, "invalid_request_error")
        case Category.INTERNAL:
            raise RuntimeError("simulated")


class Simulated:
    @asynccontextmanager
    async def exchange(
        self, outgoing: Outgoing, *, patience_seconds: float
    ) -> AsyncIterator[Incoming]:
        await asyncio.sleep(settings.SIMULATED_LATENCY_SECONDS)
        fault = chosen_fault(outgoing.body, next(_calls))
        answer = fault_answer(fault) if fault else _completion(simulated_content(outgoing.body))
        yield Incoming(answer.status_code, answer.headers.items(), answer.aiter_bytes())

    async def aclose(self) -> None:
        """There is nothing to close."""


def chosen_fault(body: bytes, call: int) -> Category | None:
    """Which fault the `call`-th call with this body meets, if any."""
    if asked := FAULT_BODY.match(body):
        return Category(asked[1].decode())
    rates = parse_faults(settings.SIMULATED_FAULTS)
    draw = random.Random(hashlib.sha256(b"%d:%s" % (call, body)).digest()).random()  # noqa: S311
    for category, rate in rates.items():
        if draw < rate:
            return category
        draw -= rate
    return None


def simulated_content(body: bytes) -> str:
    """What the kind of this request answers with, as the JSON text of a message."""
    request: dict[str, Any] = json.loads(body)
    name = request["response_format"]["json_schema"]["name"]
    return json.dumps(get_kind(name).simulate(request))


def _completion(content: str) -> httpx2.Response:
    return httpx2.Response(
        200,
        headers={"x-request-id": REQUEST_ID},
        json={
            "id": "chatcmpl-simulated",
            "object": "chat.completion",
            "model": SIMULATED_MODEL,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": content, "refusal": None},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        },
    )

"""Whatever bytes come back, no operation is left stuck and no failure is without a category."""

from __future__ import annotations

import json
import random
import socketserver
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from operations.errors import RULES
from operations.models import Attempt, Operation
from operations.tests.worker import drain_behind_pauses

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

STATUSES = (200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 418, 422, 429, 500, 503, 529, 600)
CODES = ("insufficient_quota", "model_not_found", "rate_limit_exceeded", "never_heard_of", None, 7)
CALLS = 150


def random_value(dice: random.Random, depth: int = 0) -> Any:
    """Any JSON value, with the words of error bodies and answers mixed in."""
    kind = dice.randrange(9 if depth < 4 else 6)
    if kind == 7:
        keys = ("error", "choices", "message", "content", "code", "type", "finish_reason", "usage")
        size = dice.randrange(5)
        return {dice.choice(keys): random_value(dice, depth + 1) for _ in range(size)}
    if kind == 8:
        return [random_value(dice, depth + 1) for _ in range(dice.randrange(4))]
    scalars = (
        None,
        True,
        dice.random() * 1e308,
        "stop",
        dice.choice(CODES),
        "\ud83d\x00 text",
        1e400,
    )
    return scalars[kind % len(scalars)]


def random_body(dice: random.Random) -> bytes:
    kind = dice.randrange(6)
    if kind == 0:
        return dice.randbytes(dice.randrange(300))
    if kind == 1:
        return b"[" * dice.randrange(5000)
    if kind == 2:
        content = json.dumps(random_value(dice))
        choice = {"message": {"content": content}, "finish_reason": "stop"}
        return json.dumps({"choices": [choice]}).encode()
    if kind == 3:
        return json.dumps({"error": random_value(dice)}).encode()
    return json.dumps(random_value(dice)).encode()


def random_answer(dice: random.Random) -> bytes:
    """A response that may lie about its length, or not be HTTP at all."""
    body = random_body(dice)
    if dice.randrange(12) == 0:
        return dice.randbytes(60)
    length = len(body) + dice.choice((0, 0, 0, 0, 0, -1, 5))
    head = f"HTTP/1.1 {dice.choice(STATUSES)} Whatever\r\nContent-Length: {max(0, length)}\r\n"
    for name, values in (
        ("Retry-After", ("1", "nan", "-5", "1e400", "soon", "Wed, 21 Oct 2015 07:28:00 GMT")),
        ("Content-Type", ("application/json", "text/html; charset=utf-7", "\xff", "")),
        ("x-should-retry", ("true", "false", "perhaps")),
        ("Content-Encoding", ("gzip", "identity", "br")),
    ):
        if dice.randrange(4) == 0:
            head += f"{name}: {dice.choice(values)}\r\n"
    return head.encode("latin-1") + b"Connection: close\r\n\r\n" + body


@pytest.fixture(params=[7, 2026])
def babble(request: pytest.FixtureRequest, settings: Settings) -> Iterator[None]:
    """A provider on loopback that answers at random; the seed is in the test's name."""
    dice = random.Random(request.param)
    lock = threading.Lock()

    class Babbler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            with lock:
                answer = random_answer(dice)
            self.request.sendall(answer)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = CALLS

    with Server(("127.0.0.1", 0), Babbler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.server_address[1]}/v1"
        settings.OPENAI_API_KEY = "sk-proj-a-key-for-tests-only"
        settings.OPENAI_TIMEOUT_SECONDS = 5.0
        settings.OPERATIONS_LEASE_SECONDS = 30
        settings.OPERATIONS_BACKOFF_BASE_SECONDS = 0.01
        yield
        server.shutdown()


def test_no_random_answer_leaves_an_operation_stuck_or_unexplained(
    babble: None, submit: Callable[..., Operation], drain: Callable[[], None]
) -> None:
    for _ in range(CALLS):
        submit()

    drain_behind_pauses(drain)

    operations = list(Operation.objects.all())
    unfinished = [o for o in operations if o.status not in ("completed", "failed")]
    assert unfinished == []
    assert {o.error_code for o in operations if o.status == "failed"} <= set(RULES)
    assert not [o for o in operations if o.error_code == "INTERNAL_ERROR"], "a fault of ours"
    assert len({o.error_category for o in operations}) >= 5, "the answers are really mixed"
    assert not Attempt.objects.filter(outcome=Attempt.Outcome.RUNNING).exists()

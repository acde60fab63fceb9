"""llmock 0.2.2: its seven routes that speak chat completions, with its faults and its verdict."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from interview_app.services import start_session
from operations.engine.drain import Drain
from operations.models import Attempt, Operation
from operations.tests.factories import UserFactory
from operations.tests.worker import drain_behind_pauses
from servers.running import free_port, program, running

pytestmark = [
    pytest.mark.server("llmock"),
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(400),
]

ROUTES = {
    "OpenAI": "/v1",
    "Groq": "/groq/openai/v1",
    "Mistral": "/mistral/v1",
    "Together": "/together/v1",
    "Perplexity": "/perplexity/v1",
    "AI21": "/ai21/v1",
    "xAI": "/xai/v1",
}

# Status, how often in a row → category at the end ("" completed) and calls, as RULES say.
FAULTS: dict[tuple[int, int], tuple[str, int]] = {
    (400, 1): ("invalid_request", 1),
    (401, 1): ("authentication", 1),
    (403, 1): ("authentication", 1),
    (404, 1): ("invalid_request", 1),
    (429, 1): ("rate_limit", 1),
    (500, 2): ("", 3),
    (503, 9): ("server_error", 4),
    (529, 1): ("", 2),
}


@contextlib.contextmanager
def served(folder: Path, *options: str) -> Iterator[str]:
    """Its root URL."""
    root = f"http://127.0.0.1:{(port := free_port())}"
    command = [program("llmock", "llmock"), "serve", "--port", str(port), "--host", "127.0.0.1"]
    with running([*command, *options], ready=f"{root}/_llmock/verdict", log=folder / "log"):
        yield root


@pytest.fixture(scope="module")
def llmock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(Path(tmp_path_factory.mktemp("llmock"))) as root:
        yield root


def control(url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def errors_found(llmock: str) -> list[dict[str, Any]]:
    findings = control(f"{llmock}/_llmock/verdict")["findings"]
    return [each for each in findings if each["severity"] == "error"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("count", [1, 3])
def test_session_gets_the_questions_that_can_be_used(
    llmock: str, settings: Settings, drain: Callable[[], None], route: str, count: int
) -> None:
    """Its three questions are equal: one is kept, and the session says what is missing."""
    control(f"{llmock}/_llmock/reset", {})
    settings.OPENAI_BASE_URL = llmock + ROUTES[route]
    session, operation = start_session(owner=UserFactory(), role="Engineer", question_count=count)

    drain()

    operation.refresh_from_db()
    session.refresh_from_db()
    assert (operation.status, operation.attempts) == ("completed", 1), operation.error_code
    assert session.questions.count() + session.dropped_questions == count
    assert session.questions.count() >= 1
    assert errors_found(llmock) == []


@pytest.mark.parametrize("route", ROUTES)
def test_faults_end_as_the_rules_say(
    llmock: str,
    settings: Settings,
    submit: Callable[[str], Operation],
    drain: Callable[[], None],
    route: str,
) -> None:
    control(f"{llmock}/_llmock/reset", {})
    settings.OPENAI_BASE_URL = llmock + ROUTES[route]
    ends = {}
    for status, times in FAULTS:
        control(
            f"{llmock}/_llmock/scenario",
            {"behaviors": [{"type": "fail", "status": status, "times": times}]},
        )
        operation = submit(f"model-{status}")
        drain_behind_pauses(drain)
        operation.refresh_from_db()
        ends[status, times] = (operation.error_category, operation.attempts)
        urllib.request.urlopen(
            urllib.request.Request(f"{llmock}/_llmock/scenario", method="DELETE"), timeout=30
        ).close()

    assert ends == FAULTS
    assert errors_found(llmock) == []


LIMITED = 100
"""Operations against sixty calls a minute: a full bucket, and forty of its refills."""


def test_rate_limit_that_answers_tell_of_is_kept(
    tmp_path: Path, settings: Settings, submit: Callable[[str], Operation]
) -> None:
    settings.OPERATIONS_DEFER_RATE_LIMITED = True
    # Its one answer fits no schema: how a call ends is all that counts here.
    with served(tmp_path, "--rpm", "60") as root:
        settings.OPENAI_BASE_URL = f"{root}/v1"
        for number in range(LIMITED):
            submit(f"model-{number}")
        while Operation.objects.filter(status=Operation.Status.PENDING).exists():
            asyncio.run(Drain(until_idle=True).run())

    calls = Counter(Attempt.objects.values_list("http_status", flat=True))
    assert calls[200] == LIMITED, calls
    assert calls[429] <= 0.05 * calls.total(), calls

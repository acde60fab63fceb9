"""@dwmkerr/mock-llm 0.1.29 from npm, a server in TypeScript: rules that an operator writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from interview_app.services import start_session
from operations.models import Operation
from operations.tests.factories import UserFactory
from operations.tests.worker import drain_behind_pauses
from servers.running import free_port, program, running

pytestmark = [
    pytest.mark.server("mock-llm"),
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
]

QUESTION = {"text": "Why?", "type": "technical", "competency": "Depth", "why": "The posting."}


def completion(content: str, reason: str = "stop") -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {"choices": [{"message": message, "finish_reason": reason}]}


def error(message: str, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "code": code}}


# By the model that is asked: status, body → category ("" completed) and calls.
RULES: dict[str, tuple[int, dict[str, Any], str, int]] = {
    "good": (200, completion('{"score": 7, "feedback": "Clear."}'), "", 1),
    "thinks": (200, completion('<think>a</think>{"score": 7, "feedback": "Clear."}'), "", 1),
    "prose": (200, completion("It was fine."), "invalid_response", 1),
    "cut": (200, completion('{"score"', "length"), "invalid_response", 1),
    "no-key": (401, error("Incorrect API key provided.", "invalid_api_key"), "authentication", 1),
    "empty": (
        429,
        error("You exceeded your current quota", "insufficient_quota"),
        "quota_exceeded",
        1,
    ),
    "limited": (429, error("Rate limit reached. Please try again in 20s."), "rate_limit", 1),
    "down": (503, error("overloaded"), "server_error", 4),
    "no-schema": (400, error("response_format json_schema is not supported"), "invalid_request", 2),
    "questions": (200, completion(json.dumps({"questions": [QUESTION] * 3})), "", 1),
}


@pytest.fixture(scope="module")
def mock_llm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = Path(tmp_path_factory.mktemp("mock-llm"))
    rules = [
        {
            "path": "/v1/chat/completions",
            "match": f"body.model == '{model}'",
            "response": {"status": status, "content": json.dumps(body)},
        }
        for model, (status, body, _, _) in RULES.items()
    ]
    (folder / "mock-llm.yaml").write_text(json.dumps({"rules": rules}))
    port = str(free_port())
    with running(
        [program("mock-llm", "mock-llm")],
        ready=f"http://127.0.0.1:{port}/health",
        log=folder / "log",
        environment={"HOST": "127.0.0.1", "PORT": port},
    ):
        yield f"http://127.0.0.1:{port}/v1"


def test_rules_end_as_ours_say(
    mock_llm: str,
    settings: Settings,
    submit: Callable[[str], Operation],
    drain: Callable[[], None],
) -> None:
    settings.OPENAI_BASE_URL = mock_llm
    operations, ends = {}, {}
    for model in RULES.keys() - {"questions"}:
        # One by one: who is in flight while another's key is refused waits, and is sent again.
        operations[model] = operation = submit(model)
        drain_behind_pauses(drain)
        operation.refresh_from_db()
        ends[model] = (operation.error_category, operation.attempts)

    assert ends == {model: RULES[model][2:] for model in operations}
    limited = operations["limited"]
    assert limited.retry_after_at is not None


def test_three_equal_questions_are_one(
    mock_llm: str, settings: Settings, drain: Callable[[], None]
) -> None:
    settings.OPENAI_BASE_URL = mock_llm
    settings.OPENAI_MODEL = "questions"
    session, operation = start_session(owner=UserFactory(), role="Engineer", question_count=3)

    drain()

    operation.refresh_from_db()
    session.refresh_from_db()
    assert operation.status == "completed"
    assert (session.questions.count(), session.dropped_questions) == (1, 2)

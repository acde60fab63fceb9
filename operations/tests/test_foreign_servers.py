"""Error bodies of 31 other OpenAI-compatible servers, labelled before the classifier saw them.

The score of the first run stands in docs/errors.md and is not improved there. Since then the rules
know these bodies, so this test guards against going back; it proves nothing about the next server.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operations.openai_service.answer import HttpAnswer
from operations.openai_service.classify import error_of_answer

BODIES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "foreign_bodies.json").read_text(encoding="utf-8")
)

# What no rule can tell, and what an operator's vocabulary file is for.
KNOWN_MISSES = {
    # A throttle in OpenAI's very words for an empty account; waiting instead would be the worse
    # mistake for everybody else who sends these words.
    ("DashScope", "You exceeded your current quota"),
    # A bare number and a Chinese sentence: falls to its status, a rate limit that is not retried.
    ("Zhipu", "余额不足"),
    # The server itself names two reasons; the category is right.
    ("xAI", "either used all available credits"),
}


def is_known_miss(case: dict[str, Any]) -> bool:
    return any(case["server"] == server and words in case["body"] for server, words in KNOWN_MISSES)


def error_of(case: dict[str, Any]) -> Any:
    headers = case.get("headers", {})
    return error_of_answer(HttpAnswer(case["status"], headers, case["body"].encode()))


def test_set_covers_many_servers() -> None:
    assert len(BODIES) >= 40
    assert len({case["server"] for case in BODIES}) >= 8


@pytest.mark.parametrize(
    "case", BODIES, ids=[f"{i}-{case['server']}" for i, case in enumerate(BODIES)]
)
def test_foreign_body_gets_its_label(case: dict[str, Any]) -> None:
    if is_known_miss(case):
        pytest.xfail("told apart by no rule")

    error = error_of(case)

    assert (str(error.category), error.error_code) == (case["category"], case["error_code"])


@pytest.mark.parametrize("case", BODIES, ids=lambda case: case["server"])
def test_provider_text_is_not_kept(case: dict[str, Any]) -> None:
    sentence = " ".join(case["body"].split()[:4])

    error = error_of(case)

    assert sentence not in error.detail
    assert len(error.detail) < 300

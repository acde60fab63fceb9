"""67 answers that people reported in public, as operations over real sockets.

Each ends as a careful operator would want it. Where the label allows two ends, OTHER_END says which
one is ours (docs/decisions/0021-answers-as-they-come.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from operations.models import Operation
from operations.tests.field_server import CASES, FieldServer
from operations.tests.worker import drain_behind_pauses

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

KEY = "sk-proj-a-key-for-tests-only"

OTHER_END: dict[str, tuple[str, str]] = {
    # An answer without content is not asked for again by itself: the contract's invalid_response.
    "empty_stop_once": ("invalid_response", "EMPTY_RESPONSE"),
    "choices_empty_once": ("invalid_response", "EMPTY_RESPONSE"),
    "ninerouter_choices_null": ("invalid_response", "INVALID_RESPONSE"),
    # Only the name that we gave the schema is known to be no part of the answer.
    "wrapped_schema_name": ("invalid_response", "SCHEMA_MISMATCH"),
    # What the server itself refused is not taken; the person may ask again.
    "groq_failed_generation": ("invalid_response", "SCHEMA_MISMATCH"),
}


@pytest.fixture
def server() -> Iterator[FieldServer]:
    with FieldServer() as running:
        yield running


@pytest.fixture
def played(
    server: FieldServer,
    settings: Settings,
    submit: Callable[..., Operation],
    drain: Callable[[], None],
) -> dict[str, Operation]:
    """Every case as one operation, by name."""
    settings.OPENAI_BASE_URL = server.url
    settings.OPENAI_API_KEY = KEY
    settings.OPENAI_TIMEOUT_SECONDS = 20.0
    settings.OPERATIONS_LEASE_SECONDS = 30
    operations = {name: submit(parameters={"model": f"field:{name}"}) for name in CASES}
    drain_behind_pauses(drain)
    for operation in operations.values():
        operation.refresh_from_db()
    return operations


def end_of(operation: Operation) -> tuple[str, str]:
    if operation.status == Operation.Status.COMPLETED:
        return "completed", ""
    return operation.error_category, operation.error_code


def wanted_end(name: str) -> tuple[str, str]:
    case = CASES[name]
    second = case["answers"][-1] is not case["answers"][0] and case["retriable"]
    if name in OTHER_END:
        return OTHER_END[name]
    return ("completed", "") if second else (case["expected"], case["error_code"] or "")


def wanted_calls(name: str) -> int:
    """The send-again rule: server errors until an answer comes, and one step down where the refusal
    was about the format; nothing else."""
    case: dict[str, Any] = CASES[name]
    if case["expected"] != "server_error":
        return 2 if case["error_code"] == "INVALID_SCHEMA" else 1
    return 4 if len(case["answers"]) == 1 else 2


def test_every_case_ends_as_labelled_with_as_many_calls(
    played: dict[str, Operation], server: FieldServer
) -> None:
    wrong = {
        name: (end_of(operation), operation.attempts, len(server.seen[name]))
        for name, operation in played.items()
        if end_of(operation) != wanted_end(name)
        or not operation.attempts == len(server.seen[name]) == wanted_calls(name)
    }

    assert len(played) == 67
    assert wrong == {}


def test_other_ends_are_named_by_the_labels(played: dict[str, Operation]) -> None:
    assert all(CASES[name]["also_right"] for name in OTHER_END)


def test_reset_of_a_rate_limit_is_when_to_come_again(played: dict[str, Operation]) -> None:
    operation = played["ratelimit_reset_only"]

    assert operation.retry_after_at is not None
    assert operation.finished_at is not None
    assert (operation.retry_after_at - operation.finished_at).total_seconds() == 432


def test_tokens_that_came_as_floats_are_counted(played: dict[str, Operation]) -> None:
    assert played["usage_floats"].input_tokens == 812


def test_deferral_waits_for_the_reset_instead_of_guessing(
    server: FieldServer,
    settings: Settings,
    submit: Callable[..., Operation],
    drain: Callable[[], None],
) -> None:
    settings.OPENAI_BASE_URL = server.url
    settings.OPENAI_API_KEY = KEY
    settings.OPERATIONS_DEFER_RATE_LIMITED = True
    operation = submit(parameters={"model": "field:ratelimit_reset_only"})

    drain()

    operation.refresh_from_db()
    assert operation.status == Operation.Status.PENDING
    assert operation.next_attempt_at is not None
    wait = (operation.next_attempt_at - operation.updated_at).total_seconds()
    assert 425 < wait <= 432

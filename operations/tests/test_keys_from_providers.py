"""A key that a server sends back in any of its fields is kept and shown nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from operations.masking import MASKED, remember_secret
from operations.models import Attempt, Operation
from operations.openai_service.answer import HttpAnswer, identifier, printable
from operations.tests.fault_server import FaultServer
from operations.tests.searching import captured_logs, database_text

KEYS = {
    "of a known form": "sk-test-CANARY0123456789abcdefghij",
    "of no form, but ours": "CANARY/local.server/0123456789abcdefghij",
}
GOOD = json.dumps({"score": 7, "feedback": "Clear."})


def case(body: dict[str, Any], *, status: int = 200, request_id: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    if request_id:
        headers["x-request-id"] = request_id
    return {"status": status, "headers": headers, "body": json.dumps(body)}


def completion(**values: Any) -> dict[str, Any]:
    choice = {"message": {"content": GOOD}, "finish_reason": values.pop("finish_reason", "stop")}
    return {"model": "gpt-4o", "choices": [choice], **values}


def error(**values: Any) -> dict[str, Any]:
    return {"error": {"message": "no", **values}}


def cases_with(key: str) -> dict[str, dict[str, Any]]:
    """The key at the beginning of each field, and across the place where its column ends."""
    return {
        "request-id": case(completion(), request_id=key),
        "request-id-cut": case(completion(), request_id="r" * 189 + "." + key),
        "failed-request-id": case(error(), status=400, request_id=key),
        "body-id": case(completion(id=key)),
        "model": case(completion(model=key)),
        "model-cut": case(completion(model="m" * 89 + "." + key)),
        "finish-reason": case(completion(finish_reason=key)),
        "finish-reason-cut": case(completion(finish_reason="f" * 29 + "." + key)),
        "code": case(error(code=key), status=400),
        "code-cut": case(error(code="c" * 69 + "." + key), status=400),
        "type": case(error(type=key), status=500),
        "param": case(error(param=key), status=400),
        "code-in-a-good-answer": case(error(code=key)),
    }


def pages_text(client: Client) -> str:
    urls = ["/admin/operations/operation/?all=", "/api/v1/operations/"]
    for pk in Operation.objects.values_list("pk", flat=True):
        urls += [f"/admin/operations/operation/{pk}/change/", f"/api/v1/operations/{pk}/attempts/"]
    responses = [client.get(url) for url in urls]
    assert {response.status_code for response in responses} == {200}
    return "\n".join(response.content.decode() for response in responses)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_key_that_a_server_sends_back_is_in_no_row_log_or_page(
    key: str,
    settings: Settings,
    submit: Callable[..., Operation],
    drain: Callable[..., None],
    admin_client: Client,
) -> None:
    settings.OPENAI_API_KEY = key
    settings.OPERATIONS_MAX_RETRIES = 0
    cases = cases_with(key)
    with FaultServer(corpus=cases) as server, captured_logs() as logs:
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.port}/v1"
        operations = {name: submit(parameters={"model": f"fault:{name}"}) for name in cases}
        drain()

    assert "CANARY" not in database_text()
    assert "CANARY" not in logs.getvalue()
    assert "CANARY" not in pages_text(admin_client)
    assert Attempt.objects.exclude(outcome="running").count() == len(cases)
    kept = Attempt.objects.get(operation=operations["request-id"]).provider_request_id
    assert kept == MASKED


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("room", range(1, 40))
def test_no_part_of_a_key_is_left_where_a_field_is_cut(key: str, room: int) -> None:
    remember_secret(key)

    assert printable("x" * (200 - room) + "." + key, 200).count("C") == 0
    assert identifier("x" * (80 - room) + "." + key).count("C") == 0


@pytest.mark.parametrize("between", ["\n", "\x00", "é", "\u200b"])
def test_what_cannot_be_printed_hides_no_key_behind_it(between: str) -> None:
    assert "STRAY" not in printable(f"gpt{between}sk-test-STRAY0123456789", 200)


@pytest.mark.parametrize("within", ["\n", "\x00", "é", "\u200b"])
def test_what_cannot_be_printed_hides_no_key_around_it(within: str) -> None:
    key = KEYS["of no form, but ours"]
    remember_secret(key)

    assert "0123" not in printable(key.replace("CANARY", f"CAN{within}ARY"), 200)


def test_an_ordinary_request_id_is_kept_as_it_is() -> None:
    answer = HttpAnswer(200, {"x-request-id": "req_0123456789abcdef0123456789abcdef"}, b"")

    assert answer.request_id == "req_0123456789abcdef0123456789abcdef"

"""A server that refuses the form of a request is asked once in a simpler one, and remembered."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from operations import capabilities
from operations.capabilities import EXPIRY, FULL, Form, Rung
from operations.credentials import installation_credential, make_credential
from operations.kinds import ProviderRequest
from operations.models import Attempt, Operation, ProviderCapability
from operations.openai_service.requesting import encode, form_for, limit_names
from operations.services import retry_operation
from operations.tests.judgement.kind import JudgementKind

GOOD = json.dumps({"score": 7, "feedback": "Clear."})
REQUEST = ProviderRequest(
    kind="judgement",
    messages=({"role": "system", "content": "Judge."}, {"role": "user", "content": "This."}),
    schema={
        "type": "object",
        "properties": {"minItems": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
        "required": ["minItems"],
        "additionalProperties": False,
    },
    prompt_version="1",
)

Refusal = tuple[int, dict[str, Any]]


def openai_error(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", **fields}}


def format_of(body: Mapping[str, Any]) -> str:
    wanted = body.get("response_format") or {}
    kind = str(wanted.get("type", "prompt"))
    if kind == "json_object" and "schema" in wanted:
        return "json_object_schema"
    if kind == "json_schema" and "minLength" not in json.dumps(wanted):
        return "json_schema_simple"
    return kind


def refuses(kinds: str, status: int, said: dict[str, Any]) -> Callable[..., Refusal | None]:
    return lambda body: (status, said) if format_of(body) in kinds.split() else None


# Servers as they answered, and the form in which they take a request.
SERVERS: dict[str, tuple[Callable[..., Refusal | None], str]] = {
    "DeepSeek": (
        refuses(
            "json_schema json_schema_simple",
            400,
            openai_error("This response_format type is unavailable now"),
        ),
        "json_object",
    ),
    "Azure": (
        refuses(
            "json_schema json_schema_simple",
            400,
            openai_error("'response_format' must be one of 'json_object', 'text'."),
        ),
        "json_object",
    ),
    "llama-cpp-python": (
        refuses(
            "json_schema json_schema_simple",
            500,
            {
                "error": {
                    "message": "[{'type': 'literal_error', 'loc': ('body', 'response_format', "
                    "'type'), 'msg': \"Input should be 'text' or 'json_object'\"}]",
                    "type": "internal_server_error",
                }
            },
        ),
        "json_object_schema",
    ),
    "Cerebras": (
        refuses(
            "json_schema",
            400,
            {
                "message": "Unsupported JSON schema fields: {'minLength'}",
                "param": "response_format",
            },
        ),
        "json_schema_simple",
    ),
    "llama.cpp": (
        refuses("json_schema", 400, openai_error("failed to parse grammar")),
        "json_schema_simple",
    ),
    "OpenRouter": (
        refuses(
            "json_schema json_schema_simple json_object",
            404,
            openai_error("No endpoints found that can handle the requested parameters."),
        ),
        "prompt",
    ),
    "older model": (
        refuses(
            "json_schema json_schema_simple json_object",
            422,
            openai_error("Unrecognized request argument supplied: response_format"),
        ),
        "prompt",
    ),
}


class PickyServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.refusal: Callable[..., Refusal | None] = lambda body: None
        self.seen: list[dict[str, Any]] = []

    @property
    def formats(self) -> list[str]:
        return [format_of(body) for body in self.seen]


class _Handler(BaseHTTPRequestHandler):
    server: PickyServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(body)
        message = {"role": "assistant", "content": GOOD}
        good = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        status, answer = self.server.refusal(body) or (200, good)
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal of the tests."""


@pytest.fixture
def server(settings: Settings) -> Iterator[PickyServer]:
    with PickyServer() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{running.server_port}/v1"
        settings.OPENAI_API_KEY = "sk-proj-a-key-for-tests-only"
        settings.OPERATIONS_LEASE_SECONDS = 30
        yield running
        running.shutdown()


engine = pytest.mark.django_db(transaction=True)
Submit = Callable[..., Operation]
DrainAll = Callable[[], None]


@pytest.fixture
def ended(submit: Submit, drain: DrainAll) -> Callable[[], Operation]:
    """An operation that was run to its end, in a process that knows only what the rows say."""

    def run() -> Operation:
        operation = submit()
        capabilities.forget()
        drain()
        operation.refresh_from_db()
        return operation

    return run


def codes(operation: Operation) -> list[str]:
    return [each.error_code for each in operation.attempt_ledger.order_by("number")]


@engine
@pytest.mark.parametrize("name", SERVERS)
def test_refused_form_is_stepped_down_once_and_remembered(
    name: str, server: PickyServer, ended: Callable[[], Operation]
) -> None:
    server.refusal, taken = SERVERS[name]

    first, second = ended(), ended()

    assert (first.status, second.status) == ("completed", "completed")
    assert codes(first) == ["INVALID_SCHEMA", ""]
    assert codes(second) == [""]
    assert server.formats == ["json_schema", taken, taken]
    assert not Attempt.objects.filter(possibly_paid_twice=True).exists()


@engine
def test_form_is_tried_again_when_its_row_has_expired(
    server: PickyServer, ended: Callable[[], Operation]
) -> None:
    server.refusal, _ = SERVERS["DeepSeek"]
    ended()
    ProviderCapability.objects.update(expires_at=timezone.now())

    ended()

    assert server.formats == ["json_schema", "json_object"] * 2


@engine
def test_run_steps_down_once_and_the_next_run_further(
    server: PickyServer, ended: Callable[[], Operation], drain: DrainAll
) -> None:
    """One refused call and one in a simpler form: the rest of the ladder is for the next run."""
    every = "json_schema json_schema_simple json_object_schema json_object"
    server.refusal = refuses(every, 400, openai_error("no response_format here"))

    operation = ended()
    failed_with = codes(operation)
    capabilities.forget()
    retry_operation(operation_id=operation.pk, door="api")
    drain()
    operation.refresh_from_db()

    assert failed_with == ["INVALID_SCHEMA", "INVALID_SCHEMA"]
    assert operation.status == "completed"
    assert server.formats == ["json_schema", "json_object", "prompt"]


@engine
@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, openai_error("Invalid value for 'messages'", param="messages")),
        (401, openai_error("response_format", code="invalid_api_key")),
        (403, openai_error("response_format is not for you")),
        (404, openai_error("The model `x` does not exist", code="model_not_found")),
        (429, openai_error("response_format", code="insufficient_quota")),
        (413, openai_error("response_format")),
    ],
)
def test_other_refusals_are_never_sent_again(
    server: PickyServer, ended: Callable[[], Operation], status: int, said: dict[str, Any]
) -> None:
    server.refusal = lambda body: (status, said)

    operation = ended()

    assert operation.status == "failed"
    assert len(server.seen) == operation.attempts == 1
    assert not ProviderCapability.objects.exists()


@engine
@pytest.mark.parametrize("chosen", list(Rung))
def test_operator_chooses_the_rung(
    server: PickyServer,
    ended: Callable[[], Operation],
    settings: Settings,
    chosen: Rung,
) -> None:
    settings.OPENAI_STRUCTURED_OUTPUT = str(chosen)
    server.refusal = refuses(chosen, 400, openai_error("no response_format here", param="x"))

    operation = ended()

    assert server.formats == [chosen]
    assert operation.error_code == "INVALID_SCHEMA"


@engine
@pytest.mark.parametrize(
    ("refused", "sent"),
    [
        ("max_tokens", ["max_completion_tokens", "reasoning_effort"]),
        ("reasoning_effort", ["max_tokens"]),
    ],
)
def test_parameter_refused_by_name_is_left_out_and_remembered(
    server: PickyServer,
    ended: Callable[[], Operation],
    settings: Settings,
    refused: str,
    sent: list[str],
) -> None:
    settings.OPENAI_MAX_OUTPUT_TOKENS = 500
    settings.OPENAI_REASONING_EFFORT = "low"
    said = openai_error(f"Unsupported parameter: '{refused}'", param=refused)
    server.refusal = lambda body: (400, said) if refused in body else None

    first, second = ended(), ended()

    assert codes(first) == ["INVALID_REQUEST", ""]
    assert codes(second) == [""]
    optional = {"max_tokens", "max_completion_tokens", "reasoning_effort"}
    assert sorted(optional & server.seen[-1].keys()) == sent
    assert server.formats == ["json_schema"] * 3


def refuses_by_name(*names: str) -> Callable[..., Refusal | None]:
    """Each in the words of a server that refused it."""
    words: dict[str, Refusal] = {
        "temperature": (
            400,
            openai_error(
                "Unsupported value: 'temperature' does not support 0 with this model. Only the"
                " default (1) value is supported.",
                param="temperature",
                code="unsupported_value",
            ),
        ),
        "seed": (
            422,
            {
                "detail": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "seed"],
                        "msg": "Extra inputs are not permitted",
                        "input": 7,
                    }
                ]
            },
        ),
    }
    return lambda body: next((words[name] for name in names if name in body), None)


@engine
@pytest.mark.parametrize(
    "refused",
    [("temperature",), ("seed",), ("temperature", "seed")],
    ids=["temperature", "seed", "both"],
)
def test_what_makes_judgements_steady_is_left_out_where_it_is_refused_and_remembered(
    server: PickyServer,
    ended: Callable[[], Operation],
    judgement: JudgementKind,
    refused: tuple[str, ...],
) -> None:
    judgement.steady = True
    server.refusal = refuses_by_name(*refused)

    first, second = ended(), ended()

    assert codes(first) == ["INVALID_REQUEST"] * len(refused) + [""]
    assert codes(second) == [""]
    sent = {"temperature", "seed"} & server.seen[-1].keys()
    assert sent == {"temperature", "seed"} - set(refused)
    assert not Attempt.objects.filter(possibly_paid_twice=True).exists()


@engine
def test_server_that_refuses_a_parameter_which_is_gone_is_not_asked_for_ever(
    server: PickyServer, ended: Callable[[], Operation], judgement: JudgementKind
) -> None:
    judgement.steady = True
    always = openai_error("Unsupported parameter: temperature and seed", param="temperature")
    server.refusal = lambda body: (400, always)

    assert codes(ended()) == ["INVALID_REQUEST"] * 3


@engine
def test_form_and_temperature_refused_one_after_the_other_still_bring_an_answer(
    server: PickyServer, ended: Callable[[], Operation], judgement: JudgementKind
) -> None:
    judgement.steady = True
    form, _ = SERVERS["DeepSeek"]
    names = refuses_by_name("temperature")
    server.refusal = lambda body: form(body) or names(body)

    first, second = ended(), ended()

    assert codes(first) == ["INVALID_SCHEMA", "INVALID_REQUEST", ""]
    assert codes(second) == [""]


def test_only_judgements_ask_for_one_temperature_and_one_seed() -> None:
    body = json.loads(encode(replace(REQUEST, steady=True), "m", FULL))

    assert (body["temperature"], body["seed"]) == (0, 7)
    assert not {"temperature", "seed"} & json.loads(encode(REQUEST, "m", FULL)).keys()


def test_openai_itself_gets_its_newer_limit() -> None:
    assert limit_names("https://api.openai.com/v1")[0] == "max_completion_tokens"
    assert limit_names("https://x.openai.azure.com/openai/v1")[0] == "max_completion_tokens"
    assert limit_names("http://127.0.0.1:8080/v1")[0] == "max_tokens"
    assert limit_names("https://api.openai.com.example.org/v1")[0] == "max_tokens"


def test_no_request_may_be_answered_as_a_stream() -> None:
    for rung in Rung:
        assert json.loads(encode(REQUEST, "m", Form(rung)))["stream"] is False


def test_simple_schema_loses_keywords_but_no_property() -> None:
    body = json.loads(encode(REQUEST, "m", Form(Rung.SIMPLE_SCHEMA)))

    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["properties"] == {"minItems": {"type": "array", "items": {"type": "string"}}}
    assert schema["additionalProperties"] is False
    assert body["response_format"]["json_schema"]["strict"] is True


def test_schema_is_in_the_prompt_where_it_is_not_enforced() -> None:
    for rung in (Rung.JSON_OBJECT_SCHEMA, Rung.JSON_OBJECT, Rung.PROMPT):
        body = json.loads(encode(REQUEST, "m", Form(rung)))

        assert json.dumps(REQUEST.schema) in body["messages"][0]["content"]
        assert [each["role"] for each in body["messages"]] == ["system", "user"]


def test_simulated_provider_is_asked_in_the_full_form(settings: Settings) -> None:
    settings.OPENAI_STRUCTURED_OUTPUT = "prompt"
    settings.OPENAI_API_KEY = settings.OPENAI_BASE_URL = ""
    settings.SIMULATED_PROVIDER = True

    assert form_for(installation_credential(), "m") == FULL


def test_what_is_known_only_gets_simpler_until_it_expires() -> None:
    credential = make_credential("sk-x", base_url="http://127.0.0.1:9/v1").label
    lesson = capabilities.Lesson(credential, "m", Form(Rung.PROMPT))

    capabilities.learn(lesson)
    capabilities.learn(capabilities.Lesson(credential, "m", Form(Rung.JSON_OBJECT)))

    assert capabilities.known_form(credential, "m") == Form(Rung.PROMPT)
    with time_machine.travel(timezone.now() + EXPIRY * 2):
        assert capabilities.known_form(credential, "m") is None

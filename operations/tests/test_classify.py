"""The verdict's order, its safety against echoed text, and that no foreign class is unmapped."""

from __future__ import annotations

import importlib
import json
import pkgutil
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
import structlog

from operations.errors import RULES, OpenAIServiceError
from operations.openai_service import vocabulary
from operations.openai_service.answer import Answer
from operations.openai_service.classify import FAULTS, error_of_answer, error_of_exception
from operations.openai_service.retry_after import retry_after_seconds


def error_of(status: int, body: object = None, **headers: str) -> OpenAIServiceError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_of_answer(
        Answer(status, {k.replace("_", "-"): v for k, v in headers.items()}, raw)
    )


def said(message: str = "", **fields: object) -> dict[str, object]:
    return {"error": {"message": message, "type": None, "param": None, "code": None, **fields}}


# --- every foreign exception is mapped ------------------------------------------------------------


def subclasses(cls: type[BaseException]) -> Iterator[type[BaseException]]:
    for subclass in cls.__subclasses__():
        yield subclass
        yield from subclasses(subclass)


# Parts of the SDK that a chat completion never enters; they need extras that are not installed.
OTHER_PARTS = ("openai.cli", "openai.helpers", "openai.lib", "openai._extras", "openai._response")
OTHER_CLASSES = {"SubjectTokenProviderError", "_AmbiguousModuleClientUsageError"}


def test_every_error_of_the_sdk_is_mapped_by_name() -> None:
    for module in pkgutil.iter_modules(openai.__path__, "openai."):
        if not module.name.startswith(OTHER_PARTS) and not module.ispkg:
            importlib.import_module(module.name)

    classes: set[type[BaseException]] = {openai.OpenAIError, *subclasses(openai.OpenAIError)}
    unmapped = [
        cls
        for cls in classes
        if cls not in FAULTS
        and not cls.__module__.startswith(OTHER_PARTS)
        and cls.__name__ not in OTHER_CLASSES
    ]

    assert unmapped == []


@pytest.mark.parametrize("library", [openai, httpx2], ids=["openai", "httpx2"])
def test_every_public_exception_is_mapped_by_name(library: Any) -> None:
    public = [getattr(library, name) for name in library.__all__]
    exceptions = [
        cls
        for cls in public
        if isinstance(cls, type) and issubclass(cls, BaseException) and not issubclass(cls, Warning)
    ]

    assert exceptions
    assert [cls for cls in exceptions if cls not in FAULTS] == []


@pytest.mark.parametrize("cls", FAULTS, ids=[f"{cls.__module__}.{cls.__name__}" for cls in FAULTS])
def test_every_mapping_names_a_rule(cls: type[BaseException]) -> None:
    assert FAULTS[cls].code in RULES


def test_unknown_exception_is_our_own_fault() -> None:
    error = error_of_exception(ZeroDivisionError("secret text"))

    assert error.error_code == "INTERNAL_ERROR"
    assert "secret" not in error.detail


def test_tls_failure_is_found_in_the_context() -> None:
    outer = httpx2.ConnectError("x")
    outer.__context__ = ssl.SSLCertVerificationError("self-signed")

    assert error_of_exception(outer).error_code == "TLS_ERROR"


def test_tls_alert_on_an_open_connection_is_a_lost_connection() -> None:
    outer = httpx2.ReadError("x")
    outer.__context__ = ssl.SSLError("bad record mac")

    assert error_of_exception(outer).error_code == "NETWORK_ERROR"


@pytest.mark.parametrize(
    ("exception", "processed"),
    [
        (httpx2.ConnectError("x"), False),
        (httpx2.ConnectTimeout("x"), False),
        (httpx2.PoolTimeout("x"), False),
        (httpx2.ReadTimeout("x"), True),
        (httpx2.RemoteProtocolError("x"), True),
    ],
)
def test_phase_says_whether_the_call_may_be_paid(exception: Exception, processed: bool) -> None:
    assert error_of_exception(exception).maybe_processed is processed


# --- the order of the questions -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (429, said(code="insufficient_quota"), "QUOTA_EXCEEDED"),
        (400, said(code="billing_hard_limit_reached"), "SPEND_LIMIT_REACHED"),
        (429, said(code="billing_not_active"), "BILLING_INACTIVE"),
        (503, said(code="slow_down"), "SLOW_DOWN"),
        (500, said(code="invalid_api_key"), "INVALID_API_KEY"),
        (429, said(type="insufficient_quota"), "QUOTA_EXCEEDED"),
        (429, said(code="rate_limit_exceeded", type="insufficient_quota"), "RATE_LIMIT_EXCEEDED"),
        (400, said(code="context_length_exceeded"), "CONTEXT_LENGTH_EXCEEDED"),
        (400, said(code="InsufficientBalanceError"), "QUOTA_EXCEEDED"),
        (418, said(code="MonthlyBudgetReached"), "SPEND_LIMIT_REACHED"),
        (400, said(param="response_format.json_schema"), "INVALID_SCHEMA"),
        (404, said("The model `x` does not exist"), "MODEL_NOT_FOUND"),
        (404, {"detail": "Not Found"}, "ENDPOINT_NOT_FOUND"),
        (400, said("nothing known", code=429), "RATE_LIMIT_EXCEEDED"),
        (529, said(type="overloaded_error"), "SERVER_ERROR"),
        (429, said(type="overloaded_error"), "RATE_LIMIT_EXCEEDED"),
        (418, said(code="teapot"), "INVALID_REQUEST"),
        (307, None, "REDIRECT_ERROR"),
        (101, None, "NETWORK_ERROR"),
        (600, None, "SERVER_ERROR"),
    ],
)
def test_verdict(status: int, body: object, code: str) -> None:
    assert error_of(status, body).error_code == code


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[" * 5000, b"{", b"null", b"[]", b'"x"', b"1"]
)
@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "INVALID_API_KEY"), (429, "RATE_LIMIT_EXCEEDED"), (500, "SERVER_ERROR")],
)
def test_unreadable_body_falls_to_the_status(body: bytes, status: int, code: str) -> None:
    assert error_of(status, body).error_code == code


ECHOES = [
    "insufficient balance",
    "You exceeded your current quota",
    "Incorrect API key provided",
    "billing is not active",
    "monthly spending limit reached",
]


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("status", [400, 422, 429, 500])
def test_text_alone_never_pauses_a_credential(status: int, echo: str) -> None:
    error = error_of(status, said(f"Invalid message: '{echo}'"))

    assert not error.pauses_credential


@pytest.mark.parametrize("status", [401, 402, 403])
def test_status_pauses_whatever_the_text_says(status: int) -> None:
    assert error_of(status, said("Insufficient balance")).pauses_credential


def test_code_pauses() -> None:
    assert error_of(429, said(code="insufficient_quota")).pauses_credential


def test_input_that_a_server_repeats_is_not_read() -> None:
    body = {"detail": [{"msg": "bad", "input": "maximum context length, insufficient balance"}]}

    assert error_of(422, body).error_code == "INVALID_REQUEST"


def test_detail_keeps_codes_and_drops_sentences() -> None:
    body = said("I was fired from ACME", code="odd_code", type="I was fired from ACME", param="x.y")

    detail = error_of(400, body).detail

    assert detail == "HTTP 400, odd_code, (5 words), param x.y"


def test_key_in_a_code_is_masked() -> None:
    assert "CANARY" not in error_of(400, said(code="sk-proj-CANARY123456")).detail


def test_unknown_code_is_logged_and_judged_by_status() -> None:
    with structlog.testing.capture_logs() as logs:
        error = error_of(429, said(code="frobnicated", type="tokens"))

    assert error.error_code == "RATE_LIMIT_EXCEEDED"
    assert [(log["event"], log["words"]) for log in logs] == [
        ("provider.unmapped", ["frobnicated"])
    ]


def test_known_and_generic_codes_are_not_logged() -> None:
    with structlog.testing.capture_logs() as logs:
        error_of(429, said(code="insufficient_quota"))
        error_of(400, said(code=None, type="invalid_request_error"))

    assert logs == []


def test_operators_vocabulary_wins(settings: Any, tmp_path: Path) -> None:
    path = tmp_path / "words.json"
    path.write_text('{"Frobnicated": "QUOTA_EXCEEDED", "slow_down": "RATE_LIMIT_EXCEEDED"}')
    settings.OPERATIONS_ERROR_VOCABULARY = str(path)
    vocabulary.operator_codes.cache_clear()
    try:
        verdicts = [error_of(400, said(code=c)).error_code for c in ("frobnicated", "SlowDown")]
    finally:
        settings.OPERATIONS_ERROR_VOCABULARY = ""
        vocabulary.operator_codes.cache_clear()

    assert verdicts == ["QUOTA_EXCEEDED", "RATE_LIMIT_EXCEEDED"]


def test_every_word_of_the_vocabulary_names_a_rule() -> None:
    codes = [
        *vocabulary.CODES.values(),
        *vocabulary.STATUSES.values(),
        *(code for _, code in vocabulary.WORDS),
        *(code for _, code in vocabulary.OVERRIDES),
        *(code for _, _, code in vocabulary.MESSAGES),
    ]

    assert set(codes) <= set(RULES)
    assert [word for word in vocabulary.CODES if vocabulary.normalise(word) != word] == []
    assert not vocabulary.GENERIC & set(vocabulary.CODES)


# --- headers --------------------------------------------------------------------------------------


def test_veto_of_the_server_is_kept_and_its_wish_to_retry_ignored() -> None:
    assert not error_of(500, None, x_should_retry="false").retried
    assert not error_of(400, None, x_should_retry="true").retried
    assert error_of(500, None, x_should_retry="true").retried


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "644", "retry-after": "1"}, 0.644),
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "43200"}, 43_200.0),
        ({"retry-after": "9999999"}, 86_400.0),
        ({"retry-after": "Wed, 21 Oct 2099 07:28:00 GMT"}, 86_400.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({"retry-after": "Wed, 99 Foo 2015"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "-1", "retry-after": "3"}, 3.0),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers) == seconds


def test_retry_delay_of_a_body_is_used_where_headers_are_silent() -> None:
    body = said(details=[{"@type": "google.rpc.RetryInfo", "retryDelay": "31s"}])

    assert error_of(429, body).retry_after == 31.0


@pytest.mark.parametrize("name", ["x-request-id", "request-id", "apim-request-id"])
def test_request_id_is_kept(name: str) -> None:
    error = error_of_answer(Answer(500, {name: "req_1\r\n\x00é"}, b""))

    assert error.provider_request_id == "req_1"

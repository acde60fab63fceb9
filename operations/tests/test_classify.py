"""The verdict's order, its safety against echoed text, and that no foreign class is unmapped."""

from __future__ import annotations

import importlib
import json
import pkgutil
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
import structlog
import time_machine

from operations.errors import RULES, OpenAIServiceError
from operations.errors.operator_vocabulary import read_vocabulary
from operations.openai_service import messages, vocabulary
from operations.openai_service.answer import HttpAnswer
from operations.openai_service.classify import FAULTS, error_of_answer, error_of_exception
from operations.openai_service.retry_after import reset_seconds, retry_after_seconds


def error_of(status: int, body: object = None, **headers: str) -> OpenAIServiceError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_of_answer(
        HttpAnswer(status, {k.replace("_", "-"): v for k, v in headers.items()}, raw)
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
    path.write_text(
        '{"Frobnicated": "QUOTA_EXCEEDED", "slow_down": "RATE_LIMIT_EXCEEDED",'
        ' "messages": {"Kitchen is closed": "QUOTA_EXCEEDED"}}'
    )
    settings.OPERATIONS_ERROR_VOCABULARY = str(path)
    vocabulary.operators_own.cache_clear()
    try:
        verdicts = [error_of(400, said(code=c)).error_code for c in ("frobnicated", "SlowDown")]
        closed = error_of(429, said(message="Sorry, the KITCHEN is closed.", code="slow_down"))
        refused = error_of(401, said(message="The kitchen is closed.", code="invalid_api_key"))
    finally:
        settings.OPERATIONS_ERROR_VOCABULARY = ""
        vocabulary.operators_own.cache_clear()

    assert verdicts == ["QUOTA_EXCEEDED", "RATE_LIMIT_EXCEEDED"]
    assert (closed.error_code, closed.pauses_credential) == ("QUOTA_EXCEEDED", False), "by text"
    assert refused.error_code == "INVALID_API_KEY", "a code that names the key is believed"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[]", "no JSON object"),
        ('{"a": "NO_SUCH_CODE"}', "no error code"),
        ('{"messages": {"kitchen is closed": 7}}', "no error code"),
        ('{"messages": {"closed": "SERVER_ERROR"}}', "at least 8 characters"),
        ('{"others": {"kitchen is closed": "SERVER_ERROR"}}', "no error code"),
    ],
)
def test_operators_vocabulary_is_refused_with_a_reason(
    text: str, fault: str, tmp_path: Path
) -> None:
    path = tmp_path / "words.json"
    path.write_text(text)

    with pytest.raises(ValueError, match=fault):
        read_vocabulary(path)


def test_every_word_of_the_vocabulary_names_a_rule() -> None:
    codes = [
        *vocabulary.CODES.values(),
        *vocabulary.STATUSES.values(),
        *(code for _, code in vocabulary.WORDS),
        *(code for _, code in messages.OVERRIDES),
        *(code for _, _, code in messages.MESSAGES),
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
        ({"retry-after": "7m12s"}, 432.0),
        ({"retry-after": "1000000000"}, None),
        ({"retry-after": "1e300"}, None),
        ({"retry-after": "2099-10-21T07:28:00Z"}, 86_400.0),
        ({"llm_provider-retry-after-ms": "644", "llm_provider-retry-after": "1"}, 0.644),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers) == seconds


NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "7m12s"}, "", 432),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "120ms"}, "", 0.12),
        ({"x-ratelimit-remaining-tokens": "9", "x-ratelimit-reset-tokens": "6m0s"}, "", None),
        ({"ratelimit-reset": "17"}, "", 17),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795867260"}, "", 60),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795867260000"}, "", 60),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-11-28T12:01:00Z",
                "anthropic-ratelimit-tokens-remaining": "5",
                "anthropic-ratelimit-tokens-reset": "2026-11-28T13:00:00Z",
            },
            "",
            60,
        ),
        (
            {
                "llm_provider-x-ratelimit-remaining-requests": "0",
                "llm_provider-x-ratelimit-reset-requests": "1h0m1s",
            },
            "",
            3601,
        ),
        ({}, "Limit 200, Used 200. Please try again in 7m12s. Visit https://x", 432),
        ({}, "Please retry in 32.5s.", 32.5),
        ({}, "Please retry after 9 seconds.", 9),
        ({}, "Try again in 1 hour, 2 minutes and more", 3720),
        ({}, "try again in a moment; the limit is 30 requests", None),
        ({"x-ratelimit-reset-requests": "soon"}, "", None),
    ],
)
def test_reset_of_the_used_up_budget(
    headers: dict[str, str], message: str, seconds: float | None
) -> None:
    with time_machine.travel(NOW, tick=False):
        assert reset_seconds(headers, message) == seconds


def test_reset_is_read_for_rate_limits_alone() -> None:
    headers = {"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "9s"}

    assert error_of(429, None, **headers).retry_after == 9
    assert error_of(500, None, **headers).retry_after is None


def test_openrouter_hands_on_its_providers_headers() -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9s"}

    assert error_of(429, said(metadata={"headers": headers})).retry_after == 9


@pytest.mark.parametrize(
    ("status", "message", "kind", "code"),
    [
        (429, "You exceeded your current quota, please", "throttling_error", "QUOTA_EXCEEDED"),
        (429, "Billing hard limit has been reached", "throttling_error", "SPEND_LIMIT_REACHED"),
        (429, "Rate limit reached for requests", "throttling_error", "RATE_LIMIT_EXCEEDED"),
        (503, "Slow down", "internal_server_error", "SLOW_DOWN"),
        (
            403,
            "Country, region, or territory not supported",
            "permission_error",
            "REGION_NOT_SUPPORTED",
        ),
        (401, "Incorrect API key provided: sk-x", "authentication_error", "INVALID_API_KEY"),
        (404, "Error code: 404", "invalid_request_error", "ENDPOINT_NOT_FOUND"),
        (404, "The model `x` does not exist", "invalid_request_error", "MODEL_NOT_FOUND"),
    ],
)
def test_litellm_is_unwrapped(status: int, message: str, kind: str, code: str) -> None:
    wrapped = (
        f"litellm.SomeError: SomeError: OpenAIException - {message}\n\nLiteLLM: model group 'x' "
        "failed with the error above. No fallback was attempted."
    )

    error = error_of(status, said(message=wrapped, type=kind, code=str(status)))

    assert error.error_code == code
    assert error.pauses_credential == (status in (401, 403) or "hard limit" in message)


QUOTA = "You exceeded your current quota, please check your plan and billing details."
LITELLM = "litellm.RateLimitError: RateLimitError: OpenAIException - "


@pytest.mark.parametrize(
    ("message", "pauses"),
    [
        (f"{LITELLM}{QUOTA}", True),
        (
            f"{LITELLM}{QUOTA} For more information on this error, read the docs: https://x.y/z.",
            True,
        ),
        (f"{LITELLM}{QUOTA}\n\nLiteLLM: model group 'x' failed with the error above.", True),
        (f"{LITELLM}The text is: {QUOTA}", False),
        (f"{LITELLM}{QUOTA} Said the candidate.", False),
        (f"{LITELLM}{QUOTA} {QUOTA}", False),
        (QUOTA, False),
    ],
)
def test_whole_sentence_behind_a_proxy_stands_for_the_code_it_dropped(
    message: str, pauses: bool
) -> None:
    """A part of it, or without a proxy, is text alone: it pauses nobody (decision 33)."""
    error = error_of(429, said(message=message, type="throttling_error", code="429"))

    assert error.error_code == "QUOTA_EXCEEDED" or message == QUOTA
    assert error.pauses_credential == pauses


def test_litellms_own_names_tell_where_the_sentence_does_not() -> None:
    message = "litellm.BadRequestError: litellm.ContentPolicyViolationError: OpenAIException - no"

    assert error_of(400, said(message=message, code="400")).error_code == "CONTENT_FILTERED"


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (400, "ExceededBudget: End User=x over budget. Spend=0.1, Budget=0", "SPEND_LIMIT_REACHED"),
        (429, "No deployments available - crossed budget: x", "SPEND_LIMIT_REACHED"),
        (403, "Key limit exceeded (total limit).", "SPEND_LIMIT_REACHED"),
        (401, "Your usage limits have been reached", "SPEND_LIMIT_REACHED"),
        (400, "The account is in arrears", "SPEND_LIMIT_REACHED"),
        (451, "no", "REGION_NOT_SUPPORTED"),
        (500, "The contents are not filtered", "SERVER_ERROR"),
        (500, "unsupported response_format", "INVALID_SCHEMA"),
        (404, "Unexpected endpoint or method. (POST /x)", "ENDPOINT_NOT_FOUND"),
    ],
)
def test_sentence_without_a_code_is_understood(status: int, message: str, code: str) -> None:
    assert error_of(status, said(message=message)).error_code == code


def test_retry_delay_of_a_body_is_used_where_headers_are_silent() -> None:
    body = said(details=[{"@type": "google.rpc.RetryInfo", "retryDelay": "31s"}])

    assert error_of(429, body).retry_after == 31.0


@pytest.mark.parametrize("name", ["x-request-id", "request-id", "apim-request-id"])
def test_request_id_is_kept(name: str) -> None:
    error = error_of_answer(HttpAnswer(500, {name: "req_1\r\n\x00é"}, b""))

    assert error.provider_request_id == "req_1"

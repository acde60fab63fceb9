"""What of a 2xx is believed, and what content is let through."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.errors import OpenAIServiceError
from operations.openai_service.answer import HttpAnswer
from operations.openai_service.content import clean_text, read_content
from operations.openai_service.decode import Completion, read_completion

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100}


def completion(content: object = '{"a": 1}', **choice: object) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {
        "id": "chatcmpl-1",
        "model": "gpt-4o-2024-08-06",
        "choices": [{"message": message, "finish_reason": "stop", **choice}],
        "usage": USAGE,
    }


def read(envelope: object, **answer: Any) -> Completion:
    body = envelope if isinstance(envelope, bytes) else json.dumps(envelope).encode()
    return read_completion(
        HttpAnswer(200, answer.pop("headers", {}), body, **answer),
        model="gpt-4o",
        base_url="https://api.openai.com/v1",
    )


def failure(envelope: object, **answer: Any) -> OpenAIServiceError:
    with pytest.raises(OpenAIServiceError) as caught:
        read(envelope, **answer)
    return caught.value


def test_usable_answer_is_read() -> None:
    done = read(completion(), headers={"x-request-id": "req_1"})

    assert done.content == {"a": 1}
    assert done.request_id == "req_1"
    assert (done.usage.input_tokens, done.usage.output_tokens) == (1000, 100)
    assert done.usage.model == "gpt-4o-2024-08-06"
    assert done.usage.cost_usd == Decimal("0.003500")


def test_id_of_the_body_stands_in_for_the_header() -> None:
    assert read(completion()).request_id == "chatcmpl-1"


@pytest.mark.parametrize(
    ("envelope", "code"),
    [
        (b"", "EMPTY_RESPONSE"),
        (b" \n", "EMPTY_RESPONSE"),
        (b"<html>", "INVALID_RESPONSE"),
        (b"null", "INVALID_RESPONSE"),
        (b"[]", "INVALID_RESPONSE"),
        (b"[1]", "INVALID_RESPONSE"),
        (b"[" * 100_000, "INVALID_RESPONSE"),
        (b'{"x": ' + b"9" * 5000 + b"}", "INVALID_RESPONSE"),
        (b"\xff\xff", "INVALID_RESPONSE"),
        ({}, "INVALID_RESPONSE"),
        ({"choices": None}, "INVALID_RESPONSE"),
        ({"choices": []}, "EMPTY_RESPONSE"),
        ({"choices": [None]}, "INVALID_RESPONSE"),
        ({"choices": [{"message": None}]}, "INVALID_RESPONSE"),
        (completion(None), "EMPTY_RESPONSE"),
        (completion("  "), "EMPTY_RESPONSE"),
        (completion(7), "INVALID_RESPONSE"),
        (completion("prose"), "SCHEMA_MISMATCH"),
        (completion(finish_reason="length"), "TRUNCATED_RESPONSE"),
        (completion(finish_reason="content_filter"), "CONTENT_FILTERED"),
        (completion(finish_reason="SAFETY"), "CONTENT_FILTERED"),
        (completion(finish_reason="tool_calls"), "UNEXPECTED_TOOL_CALL"),
        (completion(finish_reason="error"), "SERVER_ERROR"),
        (completion(finish_reason={"odd": 1}), "TRUNCATED_RESPONSE"),
        (completion(message={"refusal": "no", "content": None}), "REFUSED"),
        (completion(message={"content": None, "tool_calls": [{}]}), "UNEXPECTED_TOOL_CALL"),
        ({"error": {"code": "insufficient_quota"}}, "QUOTA_EXCEEDED"),
        ([{"error": {"code": 429}}], "RATE_LIMIT_EXCEEDED"),
        ({"error": "x"}, "SERVER_ERROR"),
        ({"object": "error", "message": "x", "code": 400}, "INVALID_REQUEST"),
        (completion(error={"code": 502, "message": "upstream"}), "SERVER_ERROR"),
    ],
)
def test_unusable_answer_is_named(envelope: object, code: str) -> None:
    assert failure(envelope).error_code == code


def test_too_large_an_answer_is_not_parsed() -> None:
    assert failure(completion(), too_large=True).error_code == "RESPONSE_TOO_LARGE"


def test_bad_answer_keeps_what_it_cost() -> None:
    error = failure(completion(finish_reason="length"))

    assert error.usage is not None
    assert error.usage.input_tokens == 1000
    assert error.provider_request_id == "chatcmpl-1"


def test_content_is_not_in_the_error() -> None:
    error = failure(completion('{"a": "I was fired from ACME'))

    assert "ACME" not in f"{error} {error.detail}"
    assert error.__cause__ is None


@pytest.mark.parametrize("reason", [None, "stop", "STOP", "eos", "end_turn"])
def test_whole_answer_is_accepted_by_any_name(reason: str | None) -> None:
    assert read(completion(finish_reason=reason)).content == {"a": 1}


def test_text_parts_are_joined() -> None:
    parts = [{"type": "text", "text": '{"a":'}, {"type": "text", "text": " 1}"}]

    assert read(completion(parts)).content == {"a": 1}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-le"])
def test_json_in_another_unicode_encoding_is_read(encoding: str) -> None:
    assert read(json.dumps(completion()).encode(encoding)).content == {"a": 1}


@pytest.mark.parametrize(
    "usage", [None, [], {"prompt_tokens": "9"}, {"prompt_tokens": -1}, {"prompt_tokens": 1e10}]
)
def test_odd_usage_counts_nothing_at_an_unknown_price(usage: object) -> None:
    done = read({**completion(), "usage": usage})

    assert (done.usage.input_tokens, done.usage.cost_usd) == (0, None)


def test_unknown_model_has_no_price() -> None:
    assert read({**completion(), "model": "llama-homemade"}).usage.cost_usd is None


def test_unknown_address_has_no_price() -> None:
    body = json.dumps(completion()).encode()

    done = read_completion(
        HttpAnswer(200, {}, body), model="x", base_url="http://127.0.0.1:8000/v1"
    )

    assert done.usage.cost_usd is None


def test_model_name_fits_its_column() -> None:
    assert len(read({**completion(), "model": "m\n" * 500}).usage.model) <= 100


@pytest.mark.parametrize(
    "text",
    [
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": 1e400}',
        '{"a": 1, "a": 2}',
        '{"a": ' + "9" * 5000 + "}",
        '{"a": ' + "9" * 19 + "}",
        "[" * 100 + "]" * 100,
        "[" * 100_000,
        '{"a": 1} and more',
        "```json\n{}\n``` and more",
        "",
    ],
)
def test_content_that_cannot_be_trusted_or_kept_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (JSONDecodeError among them)
        read_content(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('```\n{"a": 1}```', {"a": 1}),
        (' {"a": 1}\n', {"a": 1}),
        ('{"a": "x\\u0000y"}', {"a": "xy"}),
        ('{"a": "x\\ud83dy"}', {"a": "x\ufffdy"}),
        ('{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ('{"a\\u0000": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
    ],
)
def test_harmless_oddities_are_mended(text: str, value: object) -> None:
    assert read_content(text) == value


@given(st.text(alphabet=st.characters(codec=None)))
def test_cleaned_text_can_be_stored(text: str) -> None:
    cleaned = clean_text(text)

    assert "\0" not in cleaned
    cleaned.encode()


@given(st.binary() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(repr))
def test_any_content_is_a_value_or_refused(raw: bytes | str) -> None:
    text = raw.decode("utf-8", "surrogateescape") if isinstance(raw, bytes) else raw
    try:
        value = read_content(text)
    except ValueError:
        return

    json.dumps(value, allow_nan=False).encode()

"""Wrappings that are taken off an answer, and what never becomes one."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from operations.errors import OpenAIServiceError
from operations.openai_service.answer import HttpAnswer
from operations.openai_service.answer_rules import END_TOKEN, REASONING_TAGS
from operations.openai_service.content import read_content
from operations.openai_service.decode import read_completion
from operations.openai_service.fitting import fits
from operations.openai_service.unpacking import unpacker

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "score": {"type": "integer", "minimum": 0, "maximum": 10},
        "feedback": {"type": "string"},
    },
    "required": ["score", "feedback"],
    "additionalProperties": False,
}
GOOD = {"score": 7, "feedback": "Clear."}
JSON = json.dumps(GOOD)

answers = st.fixed_dictionaries({"score": st.integers(0, 10), "feedback": st.text(max_size=40)})
# Prose: at least one letter, and nothing that an answer may be wrapped in.
prose = st.text(
    st.characters(categories=("L", "Zs", "Po"), exclude_characters='"'), min_size=1
).filter(lambda text: any(c.isalpha() for c in text))


def envelope(message: dict[str, Any], **choice: Any) -> bytes:
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop", **choice}]}
    return json.dumps(body).encode()


def read(body: bytes) -> object:
    return read_completion(
        HttpAnswer(200, {}, body),
        model="m",
        base_url="http://127.0.0.1/v1",
        schema=SCHEMA,
        name="judgement",
    ).content


def code_of(body: bytes) -> str:
    with pytest.raises(OpenAIServiceError) as caught:
        read(body)
    return caught.value.error_code


@pytest.mark.parametrize(
    "text",
    [
        *(f"<{tag}>\nfirst {{x}}\n</{tag}>\n{JSON}" for tag in REASONING_TAGS),
        f"no opening tag, so it goes\n</think>{JSON}",
        f"[THINK]hm[/THINK]{JSON}",
        f"◁think▷hm◁/think▷{JSON}",
        f"<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>{JSON}<|END_RESPONSE|>",
        f"<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>{JSON}",
        f"<|channel|>final <|constrain|>json<|message|>{JSON}<|return|>",
        f"```json {JSON}```",
        f"~~~\n{JSON}\n~~~",
        f"```JSON\n{JSON}",
        f"\ufeff{JSON}",
        f"{JSON}<eos>",
        f"{JSON}</s>",
        f"<think></think>```json\n{JSON}\n```<|im_end|>",
        f"{JSON}\n{JSON}",
        json.dumps(JSON),
        JSON.replace("Clear.", "Clear\n\tand\x01 raw."),
        json.dumps({"judgement": GOOD}),
    ],
)
def test_wrapping_is_taken_off(text: str) -> None:
    value = read(envelope({"content": text}))

    assert isinstance(value, dict)
    assert value["score"] == 7


@pytest.mark.parametrize(
    "message",
    [
        {"content": [{"type": "reasoning", "text": "hm"}, {"type": "text", "text": JSON}]},
        {"content": GOOD},
        {"content": None, "reasoning": JSON},
        {"content": " ", "reasoning_content": JSON},
        {"content": None, "tool_calls": [{"function": {"name": "x", "arguments": JSON}}]},
        {"content": None, "tool_calls": [{"function": {"name": "x", "arguments": GOOD}}]},
        {"content": None, "function_call": {"name": "x", "arguments": JSON}},
    ],
)
def test_answer_in_another_place_is_taken_where_it_fits(message: dict[str, Any]) -> None:
    assert read(envelope(message)) == GOOD


@pytest.mark.parametrize("reason", ["eos_token", "", "completed", "COMPLETE", "tool_calls", 3])
def test_odd_finish_reason_is_overruled_by_an_answer_that_fits(reason: object) -> None:
    assert read(envelope({"content": JSON}, finish_reason=reason)) == GOOD


@pytest.mark.parametrize(
    ("message", "choice", "code"),
    [
        ({"content": '{"score": 7}'}, {"finish_reason": "completed"}, "TRUNCATED_RESPONSE"),
        ({"content": None}, {"finish_reason": "tool_calls"}, "UNEXPECTED_TOOL_CALL"),
        ({"content": ""}, {"finish_reason": "abort"}, "SERVER_ERROR"),
        ({"content": '{"score'}, {"finish_reason": "network_error"}, "SERVER_ERROR"),
        ({"content": JSON}, {"finish_reason": "error"}, "TRUNCATED_RESPONSE"),
        ({"content": ""}, {"finish_reason": "BLOCKLIST"}, "CONTENT_FILTERED"),
        ({"content": ""}, {"finish_reason": "refusal"}, "REFUSED"),
        ({"content": ""}, {"native_finish_reason": "SAFETY"}, "CONTENT_FILTERED"),
        ({"content": "{"}, {"native_finish_reason": "MAX_TOKENS"}, "TRUNCATED_RESPONSE"),
        (None, {"content_filter_results": {"hate": {"filtered": True}}}, "CONTENT_FILTERED"),
        ({"content": None, "reasoning": '{"score": 7}'}, {}, "EMPTY_RESPONSE"),
        ({"content": None, "reasoning": f"So: {JSON}"}, {}, "EMPTY_RESPONSE"),
        (
            {"content": None, "tool_calls": [{"function": {"arguments": JSON}}] * 2},
            {},
            "UNEXPECTED_TOOL_CALL",
        ),
    ],
)
def test_unusable_answer_says_why(message: Any, choice: dict[str, Any], code: str) -> None:
    assert code_of(envelope(message, **choice)) == code


def test_answer_spent_on_thinking_is_named_for_the_operator() -> None:
    body = json.loads(envelope({"content": ""}, finish_reason="length"))
    body["usage"] = {"completion_tokens_details": {"reasoning_tokens": 4096}}

    with pytest.raises(OpenAIServiceError) as caught:
        read(json.dumps(body).encode())

    assert caught.value.error_code == "TRUNCATED_RESPONSE"
    assert "spent its whole answer on thinking" in caught.value.detail


def chunk(delta: dict[str, Any], **choice: Any) -> str:
    return "data: " + json.dumps({"choices": [{"index": 0, "delta": delta, **choice}]}) + "\n\n"


PIECES = chunk({"role": "assistant", "content": JSON[:9]}) + chunk({"content": JSON[9:]})


@pytest.mark.parametrize(
    "body",
    [
        PIECES + chunk({}, finish_reason="stop") + "data: [DONE]\n\n",
        PIECES + "data: [DONE]\n\n",
        (": keep-alive\n\n" + PIECES + chunk({}, finish_reason="stop")).replace("\n", "\r\n"),
        "event: message\ndata: " + envelope({"content": JSON}).decode() + "\n\ndata: [DONE]\n\n",
        envelope({"content": JSON}).decode() + "\n[DONE]",
        ": OPENROUTER PROCESSING\n\n"
        + json.dumps(json.loads(envelope({"content": JSON})), indent=1),
        chunk({"tool_calls": [{"id": "1", "function": {"name": "x", "arguments": JSON[:5]}}]})
        + chunk({"tool_calls": [{"function": {"arguments": JSON[5:]}}]})
        + chunk({}, finish_reason="tool_calls"),
    ],
)
def test_framed_answer_is_put_together(body: str) -> None:
    assert read(body.encode()) == GOOD


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (PIECES, "TRUNCATED_RESPONSE"),
        (PIECES[:-20], "INVALID_RESPONSE"),
        ("data: [DONE]\n\n", "INVALID_RESPONSE"),
        ('data: {"error": {"code": "insufficient_quota"}}\n\n', "QUOTA_EXCEEDED"),
        (PIECES + 'data: {"error": {"code": 502, "message": "x"}}\n\n', "SERVER_ERROR"),
        ("data: [1]\n\ndata: [2]\n\n", "INVALID_RESPONSE"),
    ],
)
def test_stream_that_broke_off_is_no_answer(body: str, code: str) -> None:
    assert code_of(body.encode()) == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": "Unexpected endpoint or method. (POST /v1/v1/x)"}, "ENDPOINT_NOT_FOUND"),
        ({"base_resp": {"status_code": 1008, "status_msg": "no"}}, "QUOTA_EXCEEDED"),
        ({"status": "queued", "message": "soon"}, "INVALID_RESPONSE"),
        ({"code": 200, "message": "ok"}, "INVALID_RESPONSE"),
        ({"errors": [{"code": 7003, "message": "busy"}]}, "INVALID_RESPONSE"),
    ],
)
def test_2xx_without_choices_is_an_error_where_it_says_which(
    body: dict[str, Any], code: str
) -> None:
    assert code_of(json.dumps(body).encode()) == code


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0"),
        ("gzip, identity", gzip.compress(b"one two")),
        ("gzip", b"one two"),
        ("utf-8", b"one two"),
    ],
    # The moment stands in a packed body: as a name it would differ from process to process.
    ids=["members", "identity too", "not packed", "no packing"],
)
def test_body_is_unpacked_however_it_was_packed(encoding: str, packed: bytes, size: int) -> None:
    unpack = unpacker(encoding)

    body = b"".join(unpack(packed[i : i + size], 1000) for i in range(0, len(packed), size))

    assert body == b"one two"


def test_plain_bytes_under_a_deflate_header_are_read() -> None:
    assert unpacker("deflate")(b"one two", 1000) == b"one two"


def test_many_members_stay_within_the_room() -> None:
    packed = gzip.compress(b"x" * 1000) * 50

    assert len(unpacker("gzip")(packed, 2500)) == 2500


# --- No looser where it matters ------------------------------------------------------------------


def refused(text: str) -> bool:
    """Whether this content, with whatever finish reason, is no answer."""
    for reason in ("stop", "completed", None):
        try:
            value = read(envelope({"content": text}, finish_reason=reason))
        except OpenAIServiceError:
            continue
        if fits(value, SCHEMA):
            return False
    return True


@given(answers, prose, st.booleans())
def test_prose_around_json_is_never_an_answer(answer: Any, words: str, before: bool) -> None:
    text = json.dumps(answer)

    assert refused(f"{words}{text}" if before else f"{text}{words}")


@given(answers, answers)
def test_two_different_objects_are_never_an_answer(first: Any, second: Any) -> None:
    assume(first != second)

    assert refused(f"{json.dumps(first)}\n{json.dumps(second)}")


@given(answers, st.data())
def test_truncated_json_is_never_an_answer(answer: Any, data: st.DataObject) -> None:
    text = json.dumps(answer)

    assert refused(text[: data.draw(st.integers(0, len(text) - 1))])


@given(answers)
def test_quoted_schema_is_never_an_answer(answer: Any) -> None:
    assert refused(json.dumps(SCHEMA))
    assert refused(json.dumps({**SCHEMA, "example": answer}))
    assert refused(json.dumps({"schema": SCHEMA}) + json.dumps(answer))


@given(answers, st.sampled_from(REASONING_TAGS))
def test_reasoning_with_json_in_it_is_never_an_answer(answer: Any, tag: str) -> None:
    text = json.dumps(answer)

    assert refused(f"<{tag}>{text}</{tag}>")
    assert refused(f"<{tag}>{text}</{tag}> Done.")
    assert refused(f"<{tag}>{text}")
    assert refused(f"{text}</{tag}>")
    assert refused(f"<{tag}>a</{tag}><{tag}>b</{tag}>{text}")


@given(answers)
def test_two_end_tokens_are_one_too_many(answer: Any) -> None:
    assert END_TOKEN.search(f"{json.dumps(answer)}<eos>")
    assert refused(f"{json.dumps(answer)}<eos><eos>")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_what_fits_is_what_the_schema_says(value: Any) -> None:
    assert not fits(value, SCHEMA), "no object"
    assert fits(value, {})
    assert not fits(value, {"pattern": "unknown to us"})


def test_a_value_nested_in_strings_is_read_once() -> None:
    twice = json.dumps(json.dumps(JSON))

    assert read_content(json.dumps(JSON)) == GOOD
    assert read_content(twice) == JSON
    assert refused(twice)

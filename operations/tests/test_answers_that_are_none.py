"""No looser where it matters: other places and framings in which JSON is seen that is no answer."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from operations.errors import OpenAIServiceError
from operations.openai_service.fitting import fits
from operations.tests.test_answers_as_they_come import (
    SCHEMA,
    answers,
    chunk,
    envelope,
    prose,
    read,
    refused,
)


def is_refused(body: bytes) -> bool:
    try:
        return not fits(read(body), SCHEMA)
    except OpenAIServiceError:
        return True


@given(answers, prose, st.sampled_from(["reasoning", "reasoning_content"]), st.booleans())
def test_json_within_reasoning_is_never_an_answer(
    answer: Any, words: str, place: str, before: bool
) -> None:
    text = json.dumps(answer)
    thought = f"{words}{text}" if before else f"{text}{words}"

    assert is_refused(envelope({"content": None, place: thought}))
    assert is_refused(envelope({"content": words, place: text})), "what was said is the answer"


@given(answers, st.data())
def test_stream_that_was_cut_is_never_an_answer(answer: Any, data: st.DataObject) -> None:
    text = json.dumps(answer)
    middle = data.draw(st.integers(0, len(text)))
    whole = chunk({"content": text[:middle]}) + chunk({"content": text[middle:]})
    last = chunk({}, finish_reason="stop").rstrip()
    cut = data.draw(st.integers(0, len(last) - 1))

    assert not is_refused(f"{whole}{last}\n\ndata: [DONE]\n\n".encode())
    assert is_refused(f"{whole}{last[:cut]}".encode())
    assert is_refused((whole[: data.draw(st.integers(0, len(whole) - 1))]).encode())


@given(answers, prose, st.sampled_from(["```", "~~~", "```json"]))
def test_fence_within_prose_or_twice_is_never_an_answer(
    answer: Any, words: str, fence: str
) -> None:
    block = f"{fence}\n{json.dumps(answer)}\n{fence[:3]}"

    assert refused(f"{words}\n{block}")
    assert refused(f"{block}\n{words}")
    assert refused(f"{block}\n{block}")


@given(answers, st.data())
def test_tool_call_that_is_cut_or_one_of_two_is_never_an_answer(
    answer: Any, data: st.DataObject
) -> None:
    text = json.dumps(answer)
    cut = text[: data.draw(st.integers(0, len(text) - 1))]

    def called(*arguments: str) -> bytes:
        calls = [{"function": {"name": "x", "arguments": each}} for each in arguments]
        return envelope({"content": None, "tool_calls": calls}, finish_reason="tool_calls")

    assert not is_refused(called(text))
    assert is_refused(called(cut))
    assert is_refused(called(text, text))

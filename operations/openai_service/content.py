"""The text of an answer → a JSON value that every database and log handler can take.

Strict where the meaning would be guessed (duplicate keys, NaN, text around the JSON), tolerant
where nothing is lost: a wrapping that `answer_rules` lists, taken off once, a raw line break or NUL
inside a string, half a surrogate pair.
"""

from __future__ import annotations

import json
import math
from typing import Any

from operations.openai_service.answer_rules import (
    BEFORE_ANSWER,
    END_TOKEN,
    FENCE,
    FENCE_END,
    REASONING,
    REASONING_END,
)

MAX_DEPTH = 64
MAX_DIGITS = 18
"""Of an integer: beyond 64 bits no column takes it."""

BLANK = "\ufeff \t\r\n"


def read_content(text: str) -> object:
    """The JSON value. Raises ValueError where it is none, or one that cannot be trusted or kept."""
    try:
        value = loads(text)
    except ValueError:
        value = loads(_said_once(_unwrapped(text)))
    if isinstance(value, str):  # JSON inside a JSON string: modelscope/ms-agent#652
        value = loads(value)
    return _storable(value, MAX_DEPTH)


def clean_text(text: str) -> str:
    """Without NUL (PostgreSQL refuses it); lone surrogates (UTF-8 does) become U+FFFD."""
    if text.isascii():
        return text.replace("\0", "")
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return joined.replace("\0", "")


def _unwrapped(text: str) -> str:
    """Without reasoning before the answer, a special token after it and a fence around it."""
    text = text.strip(BLANK)
    if block := next((b for p in REASONING if (b := p.match(text))), REASONING_END.match(text)):
        text = text[block.end() :].lstrip(BLANK)
    if mark := BEFORE_ANSWER.match(text):
        text = text[mark.end() :]
    text = END_TOKEN.sub("", text).strip(BLANK)
    if fence := FENCE.match(text):
        text = FENCE_END.sub("", text[fence.end() :])
    return text


def _said_once(text: str) -> str:
    """The same object twice, letter by letter, is said once: dotnet/extensions#6212."""
    middle = len(text) // 2
    first, second = text[:middle].strip(), text[middle:].strip()
    return first if first == second else text


def loads(text: str) -> Any:
    try:
        return _DECODER.decode(text.strip())
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The last of two equal keys would win silently: which score was meant?"""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key occurs twice")
    return value


def _refuse_constant(_: str) -> None:
    raise ValueError("not a finite number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


def _small(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError("an integer of too many digits")
    return int(digits)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=_refuse_constant,
    parse_float=_finite,
    parse_int=_small,
    # Raw control characters in strings: the grammar of llama.cpp lets line breaks through.
    strict=False,
)


def _storable(value: Any, depth: int) -> Any:
    if depth == 0:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_storable(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {clean_text(key): _storable(item, depth - 1) for key, item in value.items()}
    return value

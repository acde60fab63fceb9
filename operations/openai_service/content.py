"""The text of an answer → a JSON value that every database and log handler can take.

Strict where the meaning would be guessed (duplicate keys, NaN, text around the JSON), tolerant
where nothing is lost (one Markdown fence, a NUL, half a surrogate pair).
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_DEPTH = 64
MAX_DIGITS = 18
"""Of an integer: beyond 64 bits no column takes it."""

_FENCE = re.compile(r"\A```[a-zA-Z0-9]*[ \t]*\r?\n(.*?)\r?\n?```\Z", re.DOTALL)


def read_content(text: str) -> object:
    """The JSON value. Raises ValueError where it is none, or one that cannot be trusted or kept."""
    value = _loads(_without_fence(text.strip()))
    return _storable(value, MAX_DEPTH)


def clean_text(text: str) -> str:
    """Without NUL (PostgreSQL refuses it); lone surrogates (UTF-8 does) become U+FFFD."""
    if text.isascii():
        return text.replace("\0", "")
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return joined.replace("\0", "")


def _without_fence(text: str) -> str:
    match = _FENCE.match(text)
    return match[1] if match else text


def _loads(text: str) -> Any:
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_small,
        )
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

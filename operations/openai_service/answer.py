"""One HTTP answer as it came, and what its body says about an error, in one shape for all dialects.

Knows where servers put things; what the things mean is decided in `classify`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from operations.masking import mask, masked_start

MAX_MESSAGE = 4000
"""Characters of a message or code that anybody looks at."""

FILTER_REPORTS = frozenset(
    {"flagged_input", "content_filter_result", "content_filter_results", "contentFilter"}
)
"""Keys under which moderations report; a body without a moderation has none of them."""


@dataclass(frozen=True)
class HttpAnswer:
    """Status, headers (names in lower case) and the body, unpacked and bounded."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    too_large: bool = False
    """The body went on beyond the limit; what is here is its beginning."""

    @property
    def request_id(self) -> str:
        for name in ("x-request-id", "request-id", "apim-request-id", "cf-ray"):
            if value := self.headers.get(name):
                return printable(value, 200)
        return ""


@dataclass(frozen=True)
class ErrorBody:
    """What an error body says, wherever it says it."""

    words: tuple[str, ...] = ()
    """Codes, types and reasons, the most telling first."""
    message: str = ""
    param: str = ""
    status: int | None = None
    """A numeric code in the range of HTTP statuses."""
    flagged: bool = False
    """The body lists reasons of a moderation."""
    retry_delay: float | None = None
    """Google's RetryInfo: seconds. Its presence says that waiting helps."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """OpenRouter's `metadata.headers`: those of the provider behind it, names in lower case."""


def read_json(body: bytes) -> Any:
    """The JSON value of a body in UTF-8, -16 or -32, BOM or not. Raises ValueError for all that is
    none: bad bytes, nesting bombs, integers of thousands of digits."""
    try:
        return json.loads(body.decode(json.detect_encoding(body)))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def error_body(body: bytes) -> ErrorBody:
    """Of a 4xx or 5xx answer; empty where the body is no JSON or says nothing."""
    try:
        value = read_json(body)
    except ValueError:
        return ErrorBody(message=body[:MAX_MESSAGE].decode("utf-8", "replace"))
    return error_of(value)


def error_of(value: object) -> ErrorBody:
    """Unwraps list → `error` → object or text, and reads all places that servers use."""
    outer = _first_object(value)
    if outer is None:
        return ErrorBody(message=value[:MAX_MESSAGE] if isinstance(value, str) else "")
    error = outer.get("error")
    inner = error if isinstance(error, dict) else {}
    nested = _nested_objects(inner)
    objects = (*nested, inner, outer)
    return ErrorBody(
        words=tuple(_words(objects)),
        message=" ".join(_messages(objects))[:MAX_MESSAGE],
        param=next((o["param"] for o in objects if isinstance(o.get("param"), str)), "")
        or _place_in(outer.get("detail")),
        status=next((s for o in objects if (s := _http_status(o.get("code")))), None),
        flagged=any(not FILTER_REPORTS.isdisjoint(o) for o in objects),
        retry_delay=next((d for o in objects if (d := _seconds(o.get("retryDelay")))), None),
        headers=next((h for o in nested if (h := _headers(o.get("headers")))), {}),
    )


def is_error(value: object) -> bool:
    """Some servers answer 200 and put the error into the body; others send an error that is empty
    beside a good answer."""
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict):
        return False
    error = value.get("error")
    says_something = any(error.values()) if isinstance(error, dict) else bool(error)
    return says_something or value.get("object") == "error"


def flat_error_of(value: dict[str, Any]) -> ErrorBody | None:
    """Of a 2xx without choices: MiniMax's `base_resp`, Cloudflare's `errors`, or a code or status
    and a message at the top (Zhipu, iFlow). None where it is not both."""
    found = _first_object(value.get("base_resp") or value.get("errors") or value)
    body = error_of({**found, "status": None}) if found else ErrorBody()
    if found is None or not body.message:
        return None
    named = (found.get(key) for key in ("code", "status", "status_code"))
    numbers = [str(n) for n in named if str(n).isdecimal() and not isinstance(n, bool)]
    words = tuple(f"{'minimax_' if 'status_code' in found else ''}{n}" for n in numbers)
    status = next((s for n in numbers if (s := _http_status(n))), None)
    if not (words or body.words):
        return None
    return replace(body, words=(*body.words, *words), status=status)


def printable(text: str, length: int) -> str:
    """Printable ASCII without secrets: what goes into rows and logs without a second thought.

    A server may put the key that it was sent into any of its fields. Masked before it is cut, and
    again without what cannot be printed, which may have stood inside a key and hidden it.
    """
    masked = masked_start(text, MAX_MESSAGE)
    if not (masked.isascii() and masked.isprintable()):
        masked = mask("".join(c for c in masked if c.isascii() and c.isprintable()))
    return masked[:length]


def identifier(word: str, length: int = 80) -> str:
    """Codes are identifiers. A "code" that is a sentence may hold anything, so it is not kept."""
    if any(c.isspace() for c in word):
        return f"({len(word.split())} words)"
    return printable(word, length)


def _first_object(value: object) -> dict[str, Any] | None:
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, dict) else None


def _nested_objects(error: dict[str, Any]) -> list[dict[str, Any]]:
    """Azure's innererror, Google's details, OpenRouter's metadata and the raw body inside it."""
    found = [o for o in (error.get("innererror"), error.get("metadata")) if isinstance(o, dict)]
    details = error.get("details")
    if isinstance(details, list):
        found += [o for o in details if isinstance(o, dict)]
    raw = next((o["raw"] for o in found if isinstance(o.get("raw"), str)), None)
    if raw is not None:
        found.insert(0, _raw_object(raw))
    return found


def _raw_object(raw: str) -> dict[str, Any]:
    """The upstream's own body, JSON or text, one level deep."""
    try:
        value = _first_object(read_json(raw.encode("utf-8", "replace")))
    except ValueError:
        value = None
    if value is None:
        return {"message": raw}
    error = value.get("error")
    return error if isinstance(error, dict) else value


def _words(objects: tuple[dict[str, Any], ...]) -> Iterator[str]:
    """All codes before all types: "rate_limit_exceeded" of type "tokens" is a rate limit."""
    for key in ("reason", "code", "error_code", "error_type", "type", "status"):
        for o in objects:
            if isinstance(o.get(key), str) and o[key]:
                yield o[key][:MAX_MESSAGE]


def _messages(objects: tuple[dict[str, Any], ...]) -> Iterator[str]:
    """Only what the server says; never `input`, in which FastAPI repeats the whole request."""
    for o in objects:
        for key in ("message", "error", "detail", "msg", "status_msg"):
            value = o.get(key)
            if isinstance(value, str):
                yield value
            elif key == "detail":
                yield from _validation_messages(value)


def _place_in(detail: object) -> str:
    """FastAPI's servers (Mistral, vLLM) name the parameter in the first item's `loc` alone."""
    first = detail[0] if isinstance(detail, list) and detail else None
    place = first.get("loc") if isinstance(first, dict) else None
    return (
        ".".join(each for each in place if isinstance(each, str)) if isinstance(place, list) else ""
    )


def _validation_messages(detail: object) -> Iterator[str]:
    items = detail if isinstance(detail, list) else [detail]
    for item in items:
        for key in ("msg", "message"):
            if isinstance(item, dict) and isinstance(item.get(key), str):
                yield item[key]


def _http_status(code: object) -> int | None:
    if isinstance(code, str) and re.fullmatch(r"[45]\d\d", code):
        return int(code)
    if isinstance(code, int) and not isinstance(code, bool) and 400 <= code <= 599:
        return code
    return None


def _headers(value: object) -> dict[str, str]:
    pairs = value.items() if isinstance(value, dict) else ()
    return {name.lower(): each for name, each in pairs if isinstance(each, str)}


def _seconds(delay: object) -> float | None:
    """Protobuf's JSON form of a duration: "17s", "0.5s"."""
    if not isinstance(delay, str) or not re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?s", delay):
        return None
    seconds = float(delay[:-1])
    return seconds if math.isfinite(seconds) and seconds > 0 else None

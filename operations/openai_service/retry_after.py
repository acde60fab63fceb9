"""When a provider says that a new try makes sense, in all the forms in which they say it.

Garbage, NaN, infinity, zero, the negative and the past are all "it did not say": a wait of
minus one second (Azure sends that) must not become a wait, nor a crash.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from operations.errors import RateLimit

LIMIT_SECONDS = 86_400.0
"""Nobody plans further ahead than a day on a provider's word."""

EPOCH_SECONDS = 1e9
EPOCH_MILLISECONDS = 1e11
"""A number beyond these is a moment: as seconds it would be thirty years."""

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_UNIT_WORDS = r"(milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d)"
_PART = re.compile(rf"(\d{{1,9}}(?:\.\d{{1,9}})?) ?{_UNIT_WORDS}(?![a-z])", re.IGNORECASE)
_PARTS = re.compile(rf"(?:\d{{1,9}}(?:\.\d{{1,9}})? ?{_UNIT_WORDS},? ?)+", re.IGNORECASE)
_ASKED = re.compile(
    # OpenAI, Groq: "try again in 7m12s"; Gemini: "retry in 32.5s"; Azure: "retry after 9 seconds"
    r"(?:try again|retry|wait|available|resets?)(?: after| in| for)? (?:about |another )?(?=\d)",
    re.IGNORECASE,
)

_SAID = ("remaining", "reset", "limit")

# Names are read without these: LiteLLM hands its provider's headers on under the first.
_PREFIXES = re.compile(r"\A(?:llm_provider-)?(?:x-)?(?:anthropic-)?")


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Of the answer's headers (names in lower case), or None where they do not say."""
    named = (
        headers.get(prefix + name)
        for prefix in ("", "llm_provider-")
        for name in ("retry-after-ms", "retry-after")
    )
    milliseconds, plain, *passed_on = named
    return _first(
        _scaled(milliseconds, 0.001),
        wait_of(plain),
        _scaled(passed_on[0], 0.001),
        wait_of(passed_on[1]),
    )


def reset_seconds(headers: Mapping[str, str], message: str = "") -> float | None:
    """When a rate limit is over: of the budgets that are used up the last to come back, else what
    the message says. Only for answers that are a rate limit: others carry the headers too."""
    return _first(max(_used_up(headers), default=None), _said(message))


def wait_of(text: str | None) -> float | None:
    """Seconds from now: "20", "0.5", "7m12s", "120ms", an HTTP date, RFC 3339, epoch in seconds or
    milliseconds."""
    text = (text or "").strip()
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        return _duration(text) or _until(_moment(text))
    if number >= EPOCH_SECONDS:
        seconds = number / 1000 if number > EPOCH_MILLISECONDS else number
        return _until(datetime.fromtimestamp(seconds, UTC)) if seconds < 4e10 else None
    return _positive(number)


def _first(*waits: float | None) -> float | None:
    return next((min(wait, LIMIT_SECONDS) for wait in waits if wait is not None), None)


def rate_limits_of(headers: Mapping[str, str]) -> tuple[RateLimit, ...]:
    """What any answer says of the rate limits of its key, in its headers (names in lower case): of
    those alone of which it says all. Nothing else is looked at where there are no such headers."""
    if not any("ratelimit" in name for name in headers):
        return ()
    return tuple(
        RateLimit(name or "requests", limit, min(left, limit), wait_of(said["reset"]) or 0.0)
        for name, said in _grouped(headers).items()
        if (limit := _positive_number(said.get("limit"))) is not None
        if (left := _number(said.get("remaining"))) is not None and "reset" in said
    )


def _used_up(headers: Mapping[str, str]) -> Iterator[float]:
    for said in _grouped(headers).values():
        if said.get("remaining", "0").strip() in ("0", "0.0") and (
            wait := wait_of(said.get("reset"))
        ):
            yield wait


def _grouped(headers: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """By the name of the budget ("requests", "output-tokens", ""): its limit, remaining, reset."""
    found: dict[str, dict[str, str]] = {}
    for name, value in headers.items():
        bare = _PREFIXES.sub("", name)
        if bare.startswith("ratelimit-"):
            words = bare.split("-")[1:]
            said = next((word for word in words if word in _SAID), None)
            if said is not None:
                budget = "-".join(word for word in words if word not in _SAID)
                found.setdefault(budget, {})[said] = value
    return found


def _said(message: str) -> float | None:
    for asked in _ASKED.finditer(message):
        if parts := _PARTS.match(message, asked.end()):
            return _duration(parts[0].strip(" ,"))
    return None


def _duration(text: str) -> float | None:
    """ "7m12s", "1h 2m", "120ms", "30 seconds"."""
    if not _PARTS.fullmatch(text):
        return None
    return _positive(sum(float(n) * _unit(unit) for n, unit in _PART.findall(text)))


def _unit(word: str) -> float:
    word = word.lower()
    return UNITS["ms" if word == "ms" or word.startswith("milli") else word[0]]


def _scaled(value: str | None, factor: float) -> float | None:
    try:
        return _positive(float(value or "") * factor)
    except ValueError:
        return None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _positive_number(text: str | None) -> float | None:
    number = _number(text)
    return number if number else None


def _positive(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _moment(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(text)
        except (ValueError, OverflowError):
            continue
    return None


def _until(moment: datetime | None) -> float | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _positive((moment - datetime.now(UTC)).total_seconds())

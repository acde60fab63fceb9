"""When a provider says that a new try makes sense: milliseconds, seconds or an HTTP date.

Garbage, NaN, infinity, zero, the negative and the past are all "it did not say": a wait of
minus one second (Azure sends that) must not become a wait, nor a crash.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LIMIT_SECONDS = 86_400.0
"""Nobody plans further ahead than a day on a provider's word."""


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Of the answer's headers (names in lower case), or None where they do not say."""
    for seconds in (
        _scaled(headers.get("retry-after-ms"), 0.001),
        _scaled(headers.get("retry-after"), 1.0),
        _until(headers.get("retry-after")),
    ):
        if seconds is not None:
            return min(seconds, LIMIT_SECONDS)
    return None


def _scaled(value: str | None, factor: float) -> float | None:
    try:
        seconds = float(value or "") * factor
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _until(value: str | None) -> float | None:
    try:
        moment = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - datetime.now(UTC)).total_seconds()
    return seconds if seconds > 0 else None

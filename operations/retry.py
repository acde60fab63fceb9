"""When a call is sent again by itself: network and 5xx, after 1, 2 and 4 s, at most three times.

The only importer of tenacity. The SDK's own retries are off (two layers would multiply). What may
be retried is a fact of the error (`OpenAIServiceError.retried`, from RULES); this module holds the
waits, the limits and nothing else.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from operations.errors import Category, OpenAIServiceError

Reply = TypeVar("Reply")

JITTER = 0.1
"""Share of the back-off added at random, so that many failures do not come back at once."""

RETRY_AFTER_LIMIT_SECONDS = 20.0
"""A 5xx that asks for a longer wait than this is retried on our own schedule."""


@dataclass(frozen=True)
class RetryPolicy:
    """`max_calls`: calls left in this run, the first included. `base_seconds`: the first back-off.
    `seconds_left()`: of the run's deadline."""

    max_calls: int
    base_seconds: float
    calls_before: int
    seconds_left: Callable[[], float]


def backoff_seconds(retry_number: int, base_seconds: float, random_share: float) -> float:
    """Wait before the `retry_number`-th retry (1, 2, 3 …): base × 1, 2, 4 … plus 0–10 %."""
    return base_seconds * 2.0 ** (retry_number - 1) * (1 + JITTER * random_share)


def wait_seconds(error: OpenAIServiceError, retry_number: int, base_seconds: float) -> float:
    """The back-off, or what a 5xx asks for in Retry-After where that is longer and acceptable."""
    backoff = backoff_seconds(retry_number, base_seconds, random.random())  # noqa: S311
    asked = error.retry_after
    if error.category is Category.SERVER_ERROR and asked and asked <= RETRY_AFTER_LIMIT_SECONDS:
        return max(backoff, asked)
    return backoff


def error_of(state: RetryCallState) -> OpenAIServiceError:
    """What the call raised. Only called after a retried failure, which is always ours."""
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, OpenAIServiceError)
    return error


async def call_with_retries(
    call: Callable[[], Awaitable[Reply]],
    policy: RetryPolicy,
    *,
    sleep: Callable[[float], Awaitable[None]],
    before_wait: Callable[[OpenAIServiceError, float], Awaitable[None]],
) -> Reply:
    """Run one run's calls. `before_wait(error, seconds)` persists the failure and the chosen wait
    before it is slept; the last error is raised as it is.

    tenacity's loop is made at the first failure: it costs as much as the rest of a call's way
    through our code, and nearly all calls succeed at once.
    """
    try:
        return await call()
    except OpenAIServiceError as error:
        if not error.retried:
            raise
        met = [error]

    async def this_or_next_call() -> Reply:
        if met:
            raise met.pop()
        return await call()

    return await _retrying(policy, sleep, before_wait)(this_or_next_call)


def _retrying(
    policy: RetryPolicy,
    sleep: Callable[[float], Awaitable[None]],
    before_wait: Callable[[OpenAIServiceError, float], Awaitable[None]],
) -> AsyncRetrying:
    def wait(state: RetryCallState) -> float:
        return wait_seconds(
            error_of(state), policy.calls_before + state.attempt_number, policy.base_seconds
        )

    def stop(state: RetryCallState) -> bool:
        spent = state.attempt_number >= policy.max_calls
        return spent or state.upcoming_sleep >= policy.seconds_left()

    async def before_sleep(state: RetryCallState) -> None:
        await before_wait(error_of(state), state.upcoming_sleep)

    return AsyncRetrying(
        retry=retry_if_exception(lambda e: isinstance(e, OpenAIServiceError) and e.retried),
        wait=wait,
        stop=stop,
        sleep=sleep,
        before_sleep=before_sleep,
        reraise=True,
    )

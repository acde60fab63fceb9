"""The waits: 1, 2, 4 s with at most 10 % jitter, at most three, and only where it helps."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations import retry
from operations.errors import RULES, OpenAIServiceError, error_from_code

RETRIED = sorted(code for code, rule in RULES.items() if rule.retried)
NOT_RETRIED = sorted(code for code, rule in RULES.items() if not rule.retried)


def calls_and_waits(
    error: OpenAIServiceError, *, max_calls: int = 4, before: int = 0, seconds_left: float = 200.0
) -> tuple[int, list[float]]:
    """How often a call that always fails is made, and the waits chosen between."""
    calls, waits = 0, []

    async def call() -> None:
        nonlocal calls
        calls += 1
        raise error

    async def no_sleep(_seconds: float) -> None:
        return None

    async def before_wait(_error: OpenAIServiceError, seconds: float) -> None:
        waits.append(seconds)

    async def run() -> None:
        policy = retry.RetryPolicy(
            max_calls=max_calls, base_seconds=1.0, calls_before=before,
            seconds_left=lambda: seconds_left,
        )  # fmt: skip
        await retry.call_with_retries(call, policy, sleep=no_sleep, before_wait=before_wait)

    with pytest.raises(OpenAIServiceError) as raised:
        asyncio.run(run())
    assert raised.value is error
    return calls, waits


@given(number=st.integers(1, 3), share=st.floats(0, 1))
def test_backoff_doubles_with_at_most_ten_percent_jitter(number: int, share: float) -> None:
    seconds = retry.backoff_seconds(number, 1.0, share)

    assert 2 ** (number - 1) <= seconds <= 2 ** (number - 1) * 1.1


def test_the_codes_that_are_retried_are_network_and_server_errors() -> None:
    assert RETRIED == ["NETWORK_ERROR", "SERVER_ERROR", "TIMEOUT"]


@pytest.mark.parametrize("code", RETRIED)
def test_retried_failure_is_called_four_times_with_growing_waits(code: str) -> None:
    calls, waits = calls_and_waits(error_from_code(code))

    assert calls == 4
    assert [int(wait) for wait in waits] == [1, 2, 4]


@pytest.mark.parametrize("code", NOT_RETRIED)
def test_any_other_failure_is_called_once(code: str) -> None:
    assert calls_and_waits(error_from_code(code)) == (1, [])


def test_server_that_says_do_not_retry_is_called_once() -> None:
    assert calls_and_waits(error_from_code("SERVER_ERROR", retry_vetoed=True)) == (1, [])


def test_acceptable_retry_after_of_a_server_error_is_waited_for() -> None:
    _, waits = calls_and_waits(error_from_code("SERVER_ERROR", retry_after=3.0))

    assert waits[:2] == [3.0, 3.0]
    assert waits[2] >= 4.0


@pytest.mark.parametrize("seconds", [20.1, 43_200.0])
def test_retry_after_beyond_the_limit_is_ignored(seconds: float) -> None:
    _, waits = calls_and_waits(error_from_code("SERVER_ERROR", retry_after=seconds))

    assert [int(wait) for wait in waits] == [1, 2, 4]


def test_rescued_run_goes_on_with_what_is_left() -> None:
    calls, waits = calls_and_waits(error_from_code("SERVER_ERROR"), max_calls=2, before=2)

    assert calls == 2
    assert [int(wait) for wait in waits] == [4]


def test_wait_that_passes_the_deadline_is_not_begun() -> None:
    calls, waits = calls_and_waits(error_from_code("SERVER_ERROR"), seconds_left=1.5)

    assert calls == 2
    assert [int(wait) for wait in waits] == [1]

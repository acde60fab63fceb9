#!/usr/bin/env bash
# tenacity 9.2.1: "retry unless it is this error" retries a cancellation.
#
# One would expect: `retry_if_not_exception_type(InvalidRequest)` speaks of errors. Since Python 3.8
# CancelledError is no Exception, so that code which retries errors does not swallow it.
# Instead: tenacity asks its condition about every BaseException. The cancelled call is simply made
# again, the task ends as if nobody had cancelled it, and Ctrl-C goes the same way.
# Why it matters: a worker that is told to stop repeats its paid calls instead, and a deadline set
# with `asyncio.timeout` does not end the call it is set for.
# In the product: operations/retry.py names what is retried (an OpenAIServiceError whose rule says
# so), never what is not.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check tenacity==9.2.1

"$work/venv/bin/python" - <<'PYTHON'
import asyncio
import importlib.metadata
import sys

import tenacity


class InvalidRequest(Exception):
    pass


class Call:
    """Takes 0.3 s; counts how often it is made."""

    def __init__(self):
        self.made = 0

    async def __call__(self):
        self.made += 1
        await asyncio.sleep(0.3)
        return "reply"


async def cancelled_during_first_call(condition):
    """How often the call was made, and whether the task counts as cancelled."""
    call = Call()
    retrying = tenacity.AsyncRetrying(
        retry=condition, stop=tenacity.stop_after_attempt(4), wait=tenacity.wait_none()
    )
    task = asyncio.create_task(retrying(call))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait([task])
    return call.made, task.cancelled()


def interrupted_once():
    """How often a function is called whose first call is interrupted from the keyboard."""
    calls = []

    def function():
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt

    tenacity.Retrying(
        retry=tenacity.retry_if_not_exception_type(InvalidRequest),
        stop=tenacity.stop_after_attempt(4),
    )(function)
    return len(calls)


def expect(seen, statement):
    if not seen:
        sys.exit(f"NOT SO (any more): {statement}")
    print(f"seen: {statement}")


print("tenacity", importlib.metadata.version("tenacity"))
unless = asyncio.run(
    cancelled_during_first_call(tenacity.retry_if_not_exception_type(InvalidRequest))
)
only = asyncio.run(cancelled_during_first_call(tenacity.retry_if_exception_type(Exception)))
interrupted = interrupted_once()
print("retry_if_not_exception_type: calls made %d, task cancelled: %s" % unless)
print("retry_if_exception_type:     calls made %d, task cancelled: %s" % only)
print("KeyboardInterrupt:           calls made", interrupted)

expect(unless == (2, False), "the cancelled call is made again, and the task is not cancelled")
expect(only == (1, True), "with a condition that names what is retried, cancelling works")
expect(interrupted == 2, "an interrupt from the keyboard is retried too")
PYTHON

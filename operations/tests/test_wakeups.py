"""A resident drain hears of a commit at once, on each database and over Redis."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from operations import dispatch
from operations.engine import wakeups
from operations.models import Operation
from operations.services import submit_operation
from operations.tests.judgement.kind import JudgementKind

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("judgement"),
]

PATIENCE_SECONDS = 20.0
SILENCE_SECONDS = 0.5
"""What was not heard by then was not told."""


def submit() -> Operation:
    return submit_operation(
        kind=JudgementKind.name, subject_type="test", subject_id=time.time_ns(), door="api"
    )


def seconds_until_heard(act: Callable[[], Any], patience: float = PATIENCE_SECONDS) -> float | None:
    """From `act` in another thread to the listener's event; None: nothing was heard."""

    def acting() -> None:
        try:
            act()
        finally:
            connection.close()

    async def listen() -> float | None:
        event = asyncio.Event()
        async with wakeups.listening(event):
            await asyncio.sleep(0.3)  # what says "I listen now" is not what is measured
            event.clear()
            began = time.monotonic()
            thread = threading.Thread(target=acting)
            thread.start()
            try:
                async with asyncio.timeout(patience):
                    await event.wait()
            except TimeoutError:
                return None
            finally:
                await asyncio.to_thread(thread.join)
            return time.monotonic() - began

    return asyncio.run(listen())


def roll_back() -> None:
    with transaction.atomic():
        submit()
        transaction.set_rollback(True)


def test_commit_is_heard() -> None:
    assert seconds_until_heard(submit) is not None


def test_rollback_is_not_heard() -> None:
    assert seconds_until_heard(roll_back, SILENCE_SECONDS) is None


@pytest.mark.redis
def test_commit_is_heard_over_redis(settings: Any, redis_url: str) -> None:
    settings.REDIS_URL = redis_url

    assert seconds_until_heard(submit) is not None
    assert seconds_until_heard(roll_back, SILENCE_SECONDS) is None


@pytest.mark.redis
def test_other_installations_on_the_same_redis_are_not_heard(settings: Any, redis_url: str) -> None:
    settings.REDIS_URL = redis_url
    ours = dispatch.channel()
    settings.SECRET_KEY = "another installation's"

    assert dispatch.channel() != ours


def test_redis_that_is_down_costs_no_submission(settings: Any, free_port: int) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port}/0"

    assert submit().status == Operation.Status.PENDING

"""Whatever happens to Redis, a submission is saved, and waits for it once at most."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from operations import broker, dispatch
from operations.broker import Breaker
from operations.log_lines import Seldom
from operations.models import Operation
from operations.tests.private_redis import PrivateRedis

Submit = Callable[..., Operation]

FAULTS: dict[str, Callable[[PrivateRedis], None]] = {
    "stopped": PrivateRedis.kill,
    "hung": PrivateRedis.hang,
    "out of memory": PrivateRedis.fill,
    "flushed": PrivateRedis.flush,
}
NO_FAULT_TO_ANYBODY = ("flushed",)


@pytest.fixture
def server(settings: Any) -> Iterator[PrivateRedis]:
    with PrivateRedis() as private:
        settings.REDIS_URL = private.url
        yield private
        dispatch.forget_faults()


@pytest.mark.redis
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", FAULTS)
def test_submissions_are_saved_and_wait_once_at_most(
    fault: str, server: PrivateRedis, submit: Submit, caplog: pytest.LogCaptureFixture
) -> None:
    FAULTS[fault](server)

    began = time.monotonic()
    operations = [submit() for _ in range(20)]
    waited = time.monotonic() - began

    assert {operation.status for operation in operations} == {Operation.Status.PENDING}
    assert waited < broker.SECONDS + 1.5
    events: list[Any] = [
        record.msg for record in caplog.records if record.levelno >= logging.WARNING
    ]
    assert len(events) <= 1, "one warning a minute"


@pytest.mark.redis
@pytest.mark.parametrize("fault", FAULTS)
def test_probe_says_whether_redis_can_be_used(fault: str, server: PrivateRedis) -> None:
    assert broker.fault() == ""

    FAULTS[fault](server)

    assert (broker.fault() == "") is (fault in NO_FAULT_TO_ANYBODY)


def test_breaker_lets_one_try_through_when_its_time_is_over() -> None:
    breaker = Breaker(open_seconds=0.05)
    breaker.failed()

    assert not breaker.lets_through()
    time.sleep(0.06)
    assert [breaker.lets_through() for _ in range(3)] == [True, False, False]
    breaker.answered()
    assert [breaker.lets_through() for _ in range(3)] == [True, True, True]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h:1/0", "redis://h:1/0?socket_timeout=3&socket_connect_timeout=0.5"),
        (
            "rediss://h/0?ssl_cert_reqs=none",
            "rediss://h/0?ssl_cert_reqs=none&socket_timeout=3&socket_connect_timeout=0.5",
        ),
    ],
)
def test_the_cluster_waits_for_redis_within_limits(url: str, expected: str) -> None:
    assert broker.cluster_url(url) == expected


def test_same_sentence_of_a_library_is_said_once_a_minute() -> None:
    seldom = Seldom()

    def say(sentence: str) -> bool:
        return seldom.filter(logging.LogRecord("q", logging.ERROR, "", 0, sentence, (), None))

    assert [say("gone"), say("gone"), say("back"), say("gone")] == [True, False, True, False]

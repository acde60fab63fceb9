"""The waits as they are shipped, on a real clock: 1, 2 and 4 s. The other tests shorten them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from pytest_django import Settings

from operations.models import Operation
from operations.tests.fault_server import FaultServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_server_error_is_asked_four_times_after_one_two_and_four_seconds(
    submit: Callable[..., Operation],
    provider: FaultServer,
    drain: Callable[[], None],
    settings: Settings,
) -> None:
    settings.OPERATIONS_BACKOFF_BASE_SECONDS = 1.0
    settings.OPERATIONS_LEASE_SECONDS = 30
    provider.playing = "server_500"
    operation = submit()

    drain()

    operation.refresh_from_db()
    assert (operation.status, operation.error_code) == ("failed", "SERVER_ERROR")
    waits = list(operation.attempt_ledger.order_by("number").values_list("wait_seconds", flat=True))
    seen = [entry["t"] for entry in provider.requests()]
    gaps = [later - earlier for earlier, later in itertools.pairwise(seen)]
    assert len(seen) == 4
    assert waits[3] is None
    for wait, gap, base in zip(waits, gaps, (1.0, 2.0, 4.0), strict=False):
        assert base <= wait <= base * 1.1
        assert wait <= gap <= wait + 0.5

"""The list stays quick at 100,000 operations, and asks the database no more often than at ten.

Times are the processor's, of this process, and compared with a generous bound: machines differ, and
a test must not fail because another one runs beside it.
"""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from operations.models import Operation
from operations.tests.crowd import make_completed, make_failed, multiply
from operations.tests.factories import UserFactory

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

CHANGELIST = "/admin/operations/operation/"
DAYS = timedelta(days=1)
BOUND_SECONDS = 1.5
"""Five times the 300 ms that a page takes on two idle cores."""

PAGES = [
    "",
    "?state=failed",
    "?state=completed&p=100",
    "?category=server_error&ended=1h&state=failed",
    "?q=req_of_nobody",
    "?q=503,+service_unavailable",
    "?q=HTTP&p=100",
    "?q=words+of+no+text",
    "?q=mara",
    "?kind=feedback_analysis",
]


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("ops", "ops@example.org", "x"))
    return client


def queries(client: Client, page: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(CHANGELIST + page).status_code == 200
    return len(captured)


def processor_seconds(client: Client, page: str) -> float:
    """The better of two, after one that fills the caches."""
    client.get(CHANGELIST + page)
    times = []
    for _ in range(2):
        begin = time.process_time()
        client.get(CHANGELIST + page)
        times.append(time.process_time() - begin)
    return min(times)


def test_list_of_100_000_operations_is_quick_and_asks_no_more_often(operator: Client) -> None:
    owner = UserFactory(username="mara")
    make_completed(120, spread=DAYS, owner=owner)
    make_failed("SERVER_ERROR", 120, ago=timedelta(minutes=1), spread=30 * DAYS, owner=owner)
    few = {page: queries(operator, page) for page in PAGES if "p=" not in page}

    make_completed(7_500, spread=30 * DAYS, owner=owner, history=False)
    for code in ("SERVER_ERROR", "TIMEOUT", "RATE_LIMIT_EXCEEDED", "SCHEMA_MISMATCH"):
        spread = 30 * DAYS
        ago = timedelta(minutes=1)
        make_failed(code, 625, ago=ago, spread=spread, owner=owner, history=False)
    multiply(10)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    assert Operation.objects.count() >= 100_000
    assert {page: queries(operator, page) for page in few} == few
    times = {page: processor_seconds(operator, page) for page in PAGES}
    assert {page: seconds for page, seconds in times.items() if seconds > BOUND_SECONDS} == {}

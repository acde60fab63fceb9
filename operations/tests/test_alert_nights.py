"""Nights, simulated: the clock is moved, the supervisor's chore is called by it, nobody repairs
anything until the morning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.db import connection
from pytest_django import Settings

from operations import metrics
from operations.errors import Usage
from operations.models import Attempt, Operation, WorkerHeartbeat
from operations.services import resume_provider
from operations.tests.endings import complete, fail
from operations.tests.factories import (
    AttemptFactory,
    OperationFactory,
    WorkerHeartbeatFactory,
)
from operations.workers import alerts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

EVENING = datetime(2026, 11, 27, 22, 0, tzinfo=UTC)
NIGHT = timedelta(hours=8)
LOOK = timedelta(minutes=2)
WAITING = 200
USAGE = Usage(input_tokens=9, output_tokens=4, cost_usd=None, model="m")
CREDENTIAL = "https://api.example.org/v1#0123456789ab"


@pytest.fixture(autouse=True)
def administrator(settings: Settings) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("a server's clock is not moved by this process")
    settings.ADMINS = [("Ada", "ada@example.org")]


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(EVENING, tick=False) as moved:
        yield moved


def pass_time(
    clock: time_machine.Traveller, length: timedelta, each_minute: Callable[[], None]
) -> None:
    """The chore looks, and what the night is about happens, as often as they do."""
    for _ in range(length // LOOK):
        clock.shift(LOOK)
        each_minute()
        alerts.watch_alerts()
        alerts.tell_alerts()


def leads(mails: list[EmailMessage]) -> Counter[str]:
    return Counter(mail.subject.partition("] ")[2].partition(":")[0] for mail in mails)


def keep_a_worker_alive() -> None:
    WorkerHeartbeat.objects.all().delete()
    WorkerHeartbeatFactory()


def run_one(code: str = "") -> None:
    """An operation that is called and ends: by this code, or well."""
    operation = OperationFactory(running=True, credential=CREDENTIAL)
    AttemptFactory(
        operation=operation,
        running=True,
        credential=CREDENTIAL,
    )
    if code:
        fail(operation, code)
    else:
        complete(operation, usage=USAGE)


def test_night_of_a_refused_key(
    clock: time_machine.Traveller, mailoutbox: list[EmailMessage]
) -> None:
    OperationFactory.create_batch(WAITING, credential=CREDENTIAL)
    run_one("INVALID_API_KEY")

    def probe_fails() -> None:
        keep_a_worker_alive()
        run_one("INVALID_API_KEY")

    pass_time(clock, NIGHT, probe_fails)
    told_at_night = len(mailoutbox)
    resume_provider(credential=CREDENTIAL)
    Operation.objects.filter(status="pending").delete()
    pass_time(clock, timedelta(minutes=10), keep_a_worker_alive)

    assert told_at_night <= 6
    assert leads(mailoutbox) == {"Alert": 1, "Still wrong": 2, "Resolved": 1}


def test_night_of_an_outage(clock: time_machine.Traveller, mailoutbox: list[EmailMessage]) -> None:
    for _ in range(WAITING // 10):
        run_one("SERVER_ERROR")

    pass_time(clock, NIGHT, keep_a_worker_alive)  # nobody calls any more, and it is not over
    told_at_night = len(mailoutbox)

    def practise() -> None:
        keep_a_worker_alive()
        run_one()

    pass_time(clock, timedelta(minutes=20), practise)

    assert told_at_night <= 6
    assert leads(mailoutbox) == {"Alert": 1, "Still wrong": 2, "Resolved": 1}


def test_night_without_a_worker(
    clock: time_machine.Traveller, mailoutbox: list[EmailMessage]
) -> None:
    OperationFactory.create_batch(WAITING, credential=CREDENTIAL)

    pass_time(clock, NIGHT, lambda: None)
    told_at_night = len(mailoutbox)
    Operation.objects.filter(status="pending").delete()
    pass_time(clock, timedelta(minutes=6), keep_a_worker_alive)

    assert told_at_night <= 6
    assert leads(mailoutbox) == {"Alert": 1, "Still wrong": 2, "Resolved": 1}


def test_deployment_is_no_alert(
    clock: time_machine.Traveller, mailoutbox: list[EmailMessage]
) -> None:
    alerts.watch_alerts()
    alerts.tell_alerts()
    clock.shift(30)
    keep_a_worker_alive()

    pass_time(clock, timedelta(minutes=6), keep_a_worker_alive)

    assert mailoutbox == []
    assert not Attempt.objects.exists()
    assert metrics.ended_since(metrics.OPERATIONS, EVENING) == []

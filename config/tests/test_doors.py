"""One verb, many doors: page, admin, API and command leave the same rows, events and logs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from operations import spending
from operations.console import bulk
from operations.models import Operation, Spending
from operations.tests.factories import OperationFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

CHANGELIST = "/admin/operations/operation/"


class Doors:
    """The same verb through each door, as its users reach it."""

    def __init__(self) -> None:
        self.owner: User = UserFactory()
        self.operator = get_user_model().objects.create_superuser("ops", "ops@example.org", "x")

    def client(self, user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    def page(self, verb: str, operation: Operation) -> bool:
        path = f"/operations/{operation.pk}/{verb}/"
        return self.client(self.owner).post(path).status_code == 302

    def admin(self, verb: str, operation: Operation) -> bool:
        """Choose it in the list, confirm the dry run, and let the supervisor's step do it."""
        client = self.client(self.operator)
        data = {"action": f"{verb}_selected", "_selected_action": [str(operation.pk)]}
        drafted = client.post(f"{CHANGELIST}?state=all", data)
        start = drafted["Location"].replace("/change/", "/start/")
        started = client.post(start, {"when": "now"})
        return started.status_code == 302 and bulk.run_due() == 1

    def admin_button(self, verb: str, operation: Operation) -> bool:
        path = f"{CHANGELIST}{operation.pk}/{verb}/"
        return self.client(self.operator).post(path).status_code == 302

    def api(self, verb: str, operation: Operation) -> bool:
        path = f"/api/v1/operations/{operation.pk}/{verb}/"
        answer = self.client(self.owner).post(path, {}, content_type="application/json")
        return answer.status_code == 202

    def command(self, verb: str, operation: Operation) -> bool:
        with pytest.raises(SystemExit) as ended:
            call_command(f"{verb}_operations", "--id", str(operation.pk))
        return ended.value.code == 0


DOORS = ["page", "admin", "admin_button", "api", "command"]
VERBS = {
    "retry": {"failed": True, "error_code": "SERVER_ERROR"},
    "cancel": {},
}
# `parameters`: a bulk retry waits for a rate limit, others end with it (test_rate_limits.py).
IGNORED = {
    "parameters", "id", "owner_id", "session_id", "subject_id", "created_at", "queued_at",
    "turn_at", "updated_at", "finished_at", "started_at", "_state",
    "acknowledged_by_id", "request_id",
}  # fmt: skip


def row(operation: Operation) -> dict[str, Any]:
    operation.refresh_from_db()
    return {name: value for name, value in vars(operation).items() if name not in IGNORED}


def events(operation: Operation) -> list[tuple[str, str, str, int]]:
    names = ("name", "from_status", "to_status", "fence")
    return list(operation.events.values_list(*names))


@pytest.fixture
def outcome_through(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> Callable[[str, str], tuple[dict[str, Any], Any, list[str]]]:
    doors = Doors()

    def through(door: str, verb: str) -> tuple[dict[str, Any], Any, list[str]]:
        operation = OperationFactory(owner=doors.owner, **VERBS[verb])
        caplog.clear()
        caplog.set_level(logging.INFO, logger="operations")
        assert getattr(doors, door)(verb, operation), f"{door} refused to {verb}"
        records = [record for record in caplog.records if record.name == "operations"]
        said = [cast(dict[str, str], record.msg)["event"] for record in records]
        # What is said of the bulk action itself is no part of the operation's outcome.
        said = [event for event in said if not event.startswith("bulk.")]
        return row(operation), events(operation), said

    return through


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("door", DOORS)
def test_every_door_has_the_same_outcome(
    door: str, verb: str, outcome_through: Callable[[str, str], Any]
) -> None:
    rows, history, logs = outcome_through(door, verb)

    assert (rows, history, logs) == outcome_through("api", verb)
    assert history[0][0] == {"retry": "operation.retried", "cancel": "operation.cancelled"}[verb]
    assert history[0][0] in logs


@pytest.mark.parametrize("door", DOORS)
def test_who_did_it_and_through_which_door_is_kept(door: str) -> None:
    doors = Doors()
    operation = OperationFactory(owner=doors.owner, failed=True)

    getattr(doors, door)("retry", operation)

    event = operation.events.get()
    assert event.door == door.removesuffix("_button")
    expected = {"command": None, "admin": doors.operator, "admin_button": doors.operator}
    assert event.actor == expected.get(door, doors.owner)


@pytest.mark.parametrize("door", DOORS)
def test_no_door_retries_past_a_budget(door: str, settings: Settings) -> None:
    settings.BUDGET_USD_PER_MONTH = 1.0
    month = spending.month_of(timezone.now())
    Spending.objects.create(month=month, micro_usd=1_000_000)
    doors = Doors()
    operation = OperationFactory(owner=doors.owner, failed=True)

    getattr(doors, door)("retry", operation)

    operation.refresh_from_db()
    assert operation.status == "failed"
    assert not operation.events.exists()


def test_acknowledging_is_the_same_alone_and_by_the_hundred() -> None:
    doors = Doors()
    alone, many = OperationFactory.create_batch(2, failed=True)
    client = doors.client(doors.operator)

    client.post(f"{CHANGELIST}{alone.pk}/acknowledge/", {"note": "known outage"})
    data = {"action": "acknowledge_selected", "_selected_action": [str(many.pk)]}
    drafted = client.post(CHANGELIST, data)
    start = drafted["Location"].replace("/change/", "/start/")
    client.post(start, {"note": "known outage"})
    bulk.run_due()

    ignored = IGNORED | {"acknowledged_at"}
    one, other = (
        {name: value for name, value in row(each).items() if name not in ignored}
        for each in (alone, many)
    )
    assert one == other
    assert one["acknowledgement"] == "known outage"
    assert events(alone) == events(many)


def test_admin_without_the_permission_is_refused() -> None:
    doors = Doors()
    staff = UserFactory(is_staff=True)
    operation = OperationFactory(failed=True)

    assert doors.client(staff).post(f"{CHANGELIST}{operation.pk}/retry/").status_code == 403

    operation.refresh_from_db()
    assert operation.status == Operation.Status.FAILED


def test_retry_in_the_admin_is_never_a_get() -> None:
    doors = Doors()
    operation = OperationFactory(failed=True)

    response = doors.client(doors.operator).get(f"{CHANGELIST}{operation.pk}/retry/")

    assert response.status_code == 405

"""Administrators hear of what is wrong: at once, ever more seldom, and when it is over."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any, NamedTuple

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from operations import metrics, queries
from operations.console import conditions
from operations.console.telling import told_words
from operations.engine import leases
from operations.models import Alert, MetricMinute, Operation, WorkerRestart
from operations.services import resume_provider, retry_operation
from operations.tests.endings import fail
from operations.tests.factories import (
    AttemptFactory,
    OperationFactory,
    UserFactory,
    WorkerHeartbeatFactory,
)
from operations.tests.fault_server import FaultServer
from operations.workers import alerts

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Operation]
DrainOnce = Callable[[], None]

LONG_AGO = timezone.now() - timedelta(hours=2)


class Disk(NamedTuple):
    free: int


@pytest.fixture
def webhook(settings: Settings) -> Iterator[list[dict[str, object]]]:
    """What a webhook on loopback was sent."""
    received: list[dict[str, object]] = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            received.append(json.loads(self.rfile.read(length)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with http.server.HTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.ALERT_WEBHOOK_URL = f"http://127.0.0.1:{server.server_port}/"
        yield received
        server.shutdown()


@pytest.fixture
def admins(settings: Settings) -> None:
    settings.ADMINS = [("Ada", "ada@example.org")]


def tell() -> int:
    """What the supervisor does."""
    alerts.watch_alerts()
    return alerts.tell_alerts()


def subjects(mails: list[EmailMessage]) -> list[str]:
    return [str(mail.subject) for mail in mails]


@pytest.fixture(autouse=True)
def living_worker() -> None:
    WorkerHeartbeatFactory(expires_at=timezone.now() + timedelta(days=30))


def test_refused_key_is_told_by_mail_and_webhook(
    admins: None,
    webhook: list[dict[str, object]],
    mailoutbox: list[EmailMessage],
    submit: Submit,
    provider: FaultServer,
    drain: DrainOnce,
) -> None:
    provider.playing = "auth_invalid_api_key"
    operation = submit()
    drain()

    assert tell() == 1

    (mail,) = mailoutbox
    assert "INVALID_API_KEY" in mail.subject
    assert "sk-proj-a-key" not in mail.body
    assert webhook[0]["error_code"] == "INVALID_API_KEY"
    assert webhook[0]["state"] == "opened"
    assert webhook[0]["operation_id"] == str(operation.pk)


def test_second_failure_in_the_hour_is_not_told_again(
    admins: None,
    mailoutbox: list[EmailMessage],
    submit: Submit,
    provider: FaultServer,
    drain: DrainOnce,
) -> None:
    provider.playing = "auth_invalid_api_key"
    operation = submit()
    drain()
    tell()
    retry_operation(operation_id=operation.pk, door="api")
    drain()

    assert tell() == 0
    assert len(mailoutbox) == 1


def test_each_code_of_a_credential_is_told(admins: None, mailoutbox: list[EmailMessage]) -> None:
    for code in ("MODEL_NOT_FOUND", "QUOTA_EXCEEDED", "INVALID_API_KEY"):
        fail(OperationFactory(running=True, is_probe=True, credential="a"), code)

    tell()

    assert {subject.rpartition(" ")[2] for subject in subjects(mailoutbox)} == {
        "MODEL_NOT_FOUND",
        "QUOTA_EXCEEDED",
        "INVALID_API_KEY",
    }


def test_pause_that_comes_back_after_a_resume_is_told_at_once(
    admins: None, mailoutbox: list[EmailMessage]
) -> None:
    fail(OperationFactory(running=True, credential="a"), "INVALID_API_KEY")
    tell()

    resume_provider(credential="a")
    fail(OperationFactory(running=True, credential="a"), "INVALID_API_KEY")
    tell()

    assert [subject.split("] ")[1].split(":")[0] for subject in subjects(mailoutbox)] == [
        "Alert",
        "Resolved",
        "Alert",
    ]


def test_another_refusal_of_a_probe_lasts_as_long_as_the_pause(
    admins: None, mailoutbox: list[EmailMessage]
) -> None:
    fail(OperationFactory(running=True, credential="a"), "QUOTA_EXCEEDED")
    fail(OperationFactory(running=True, is_probe=True, credential="a"), "INVALID_API_KEY")
    tell()
    tell()

    assert len(mailoutbox) == 2
    assert not Alert.objects.exclude(resolved_at=None).exists()


def test_two_supervisors_send_once(
    admins: None, mailoutbox: list[EmailMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one looks while the first one's mail is on its way."""
    fail(OperationFactory(running=True, credential="a"), "MODEL_NOT_FOUND")
    alerts.watch_alerts()
    seconds: list[int] = []

    class SlowMail(EmailBackend):
        def send_messages(self, messages: Any) -> int:
            seconds.append(alerts.tell_alerts())
            return super().send_messages(messages)

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend", SlowMail)

    assert alerts.tell_alerts() == 1
    assert seconds == [0]
    assert len(mailoutbox) == 1


def test_failure_that_passes_by_itself_is_not_told(
    submit: Submit, provider: FaultServer, drain: DrainOnce
) -> None:
    provider.playing = "rate_limit_tpm"
    submit()

    drain()

    assert not Alert.objects.exists()


def test_operation_that_kills_its_workers_is_told() -> None:
    OperationFactory(running=True, losses=3, lease_expires_at=timezone.now() - timedelta(seconds=5))

    leases.sweep()

    assert Alert.objects.get().condition == "WORKER_LOST"


def test_alert_that_cannot_be_sent_is_kept_and_said(settings: Settings) -> None:
    settings.ALERT_WEBHOOK_URL = "http://127.0.0.1:9/"
    fail(OperationFactory(running=True, credential="a"), "MODEL_NOT_FOUND")

    assert tell() == 0

    (alert,) = Alert.objects.all()
    assert (alert.told_at, alert.failed_to) == (None, "webhook")
    assert alert.next_at is not None
    assert "Told nobody" in told_words(alert)
    assert (conditions.UNDELIVERED, "webhook") in {each.key for each in conditions.current()}


def test_what_one_channel_loses_is_told_by_the_other(
    admins: None, settings: Settings, mailoutbox: list[EmailMessage]
) -> None:
    settings.ALERT_WEBHOOK_URL = "http://127.0.0.1:9/"
    fail(OperationFactory(running=True, credential="a"), "MODEL_NOT_FOUND")

    tell()
    tell()

    assert "alerts cannot be delivered by webhook" in subjects(mailoutbox)[1]
    assert Alert.objects.get(condition="MODEL_NOT_FOUND").told_to == "mail"


def test_slack_is_told_in_its_own_words(
    settings: Settings, webhook: list[dict[str, object]]
) -> None:
    settings.ALERT_WEBHOOK_FORMAT = "slack"
    fail(OperationFactory(running=True, credential="<a&b>"), "MODEL_NOT_FOUND")

    tell()

    (message,) = webhook
    assert set(message) == {"text"}
    assert str(message["text"]).startswith("*Alert: MODEL_NOT_FOUND*\n")
    assert "&lt;a&amp;b&gt;" in str(message["text"])


@pytest.mark.parametrize(
    ("is_set_up", "is_sent", "words"),
    [
        (False, True, "Please tell the administrator"),
        (True, False, "The administrator is being told"),
        (True, True, "The administrator has been told"),
    ],
)
def test_person_reads_that_the_administrator_knows_only_where_it_is_so(
    is_set_up: bool, is_sent: bool, words: str, settings: Settings
) -> None:
    if is_set_up:
        settings.ADMINS = [("Ada", "ada@example.org")]
    failed = OperationFactory(running=True, credential="a")
    waits = OperationFactory()  # which key it is sent with says the claim
    fail(failed, "INVALID_API_KEY")
    if is_sent:
        tell()

    failed.refresh_from_db()
    waiting = queries.waiting(waits)

    assert words in queries.operation_message(failed)
    assert waiting is not None
    assert words in waiting.message


def test_mail_that_is_only_printed_reaches_nobody(settings: Settings, admins: None) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    fail(OperationFactory(running=True, credential="a"), "MODEL_NOT_FOUND")

    assert tell() == 0
    assert "Told nobody" in told_words(Alert.objects.get())


def test_own_keys_pause_is_its_owners_alone(admins: None) -> None:
    own = OperationFactory(running=True, credential="a", own_key=True, owner=UserFactory())
    fail(own, "INVALID_API_KEY")
    waits = OperationFactory(credential="a", own_key=True, owner=own.owner, queued_at=LONG_AGO)

    assert tell() == 0
    assert conditions.current() == []
    waiting = queries.waiting(waits)
    assert waiting is not None
    assert "Your API key" in waiting.message


def test_rate_of_a_category_is_held_against_its_own_past() -> None:
    at = timezone.now() - timedelta(hours=1)
    MetricMinute.objects.create(
        minute=at, name=metrics.ATTEMPTS, outcome="succeeded", category="", count=990
    )
    past = MetricMinute.objects.create(
        minute=at, name=metrics.ATTEMPTS, outcome="failed", category="server_error", count=10
    )
    AttemptFactory.create_batch(40, outcome="succeeded", category="", error_code="")
    AttemptFactory.create_batch(10)

    assert [each.key for each in conditions.current()] == [("error_rate", "server_error")]
    MetricMinute.objects.filter(pk=past.pk).update(count=100)
    assert conditions.current() == []


def test_restart_loop_and_full_disk_are_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        WorkerRestart.objects.create(supervisor="s", reason="exited", exit_code=-9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(100 * 1024 * 1024))

    assert {each.name for each in conditions.current()} == {"restart_loop", "disk"}


def test_open_alerts_stand_above_the_console(admin_client: Client) -> None:
    fail(OperationFactory(running=True, credential="a"), "MODEL_NOT_FOUND")

    for page in ("/admin/", "/admin/operations/operation/"):
        said = admin_client.get(page).content.decode()
        assert "Calls of a fail with MODEL_NOT_FOUND." in said
        assert "Told nobody: set ADMINS" in said
    assert "MODEL_NOT_FOUND" in admin_client.get("/admin/operations/alert/").content.decode()


def test_health_command_tells_where_no_supervisor_is_left(
    admins: None, mailoutbox: list[EmailMessage]
) -> None:
    fail(OperationFactory(running=True, credential="a"), "MODEL_NOT_FOUND")
    out = StringIO()

    with pytest.raises(SystemExit, match="1"):
        call_command("operations_health", "--tell", "--json", stdout=out)

    (alert,) = json.loads(out.getvalue())["alerts"]
    assert (alert["condition"], alert["told_to"]) == ("MODEL_NOT_FOUND", ["mail"])
    assert len(mailoutbox) == 1

"""Administrators hear of what only they can mend, once per credential and hour."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone
from pytest_django import Settings

from operations import alerts
from operations.engine import leases
from operations.models import Alert, Operation
from operations.services import retry_operation
from operations.tests.factories import OperationFactory
from operations.tests.fault_server import FaultServer

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Operation]
DrainOnce = Callable[[], None]


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

    assert alerts.send_unsent() == 1

    (mail,) = mailoutbox
    assert "INVALID_API_KEY" in mail.subject
    assert "sk-proj-a-key" not in mail.body
    assert webhook[0]["error_code"] == "INVALID_API_KEY"
    assert operation.pk


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
    alerts.send_unsent()
    retry_operation(operation_id=operation.pk, door="api")
    drain()

    assert alerts.send_unsent() == 0
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

    assert Alert.objects.get().error_code == "WORKER_LOST"


def test_alert_that_cannot_be_sent_is_kept(
    settings: Settings, submit: Submit, provider: FaultServer, drain: DrainOnce
) -> None:
    settings.ALERT_WEBHOOK_URL = "http://127.0.0.1:9/"
    provider.playing = "auth_invalid_api_key"
    submit()
    drain()

    assert alerts.send_unsent() == 0
    assert Alert.objects.get().sent_at is None

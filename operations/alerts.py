"""Tells the administrators, because the texts for the people say that they have been told.

The signals write an Alert row (at most one per credential and hour); the supervisor sends what is
unsent by mail to ADMINS and as JSON to ALERT_WEBHOOK_URL: no worker waits for a mail server.
"""

from __future__ import annotations

import json
import logging
import smtplib
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import mail_admins
from django.dispatch import receiver
from django.utils import timezone

from operations import events
from operations.errors import rule_of
from operations.models import Alert, Operation, ProviderPause
from operations.signals import operation_failed, provider_paused

INTERVAL = timedelta(hours=1)
WEBHOOK_TIMEOUT_SECONDS = 5.0


@receiver(operation_failed)
def note_failure(operation: Operation, **_: Any) -> None:
    """A failure whose text says that the administrator has been told."""
    if rule_of(operation.error_code).tells_admin and not operation.own_key:
        _note(operation.credential, operation.error_code, operation)


@receiver(provider_paused)
def note_pause(pause: ProviderPause, **_: Any) -> None:
    """A user's own key is that user's to mend: the page tells them."""
    if pause.own_key_owner_id is None:
        _note(pause.credential, pause.error_code, None)


def _note(credential: str, error_code: str, operation: Operation | None) -> None:
    now = timezone.now()
    if Alert.objects.filter(credential=credential, created_at__gt=now - INTERVAL).exists():
        return
    # The unique hour lets one of two processes through that got here at the same moment.
    hour = now.replace(minute=0, second=0, microsecond=0)
    Alert.objects.get_or_create(
        credential=credential,
        hour=hour,
        defaults={
            "error_code": error_code,
            "error_category": str(rule_of(error_code).category),
            "operation_id": operation.pk if operation else None,
        },
    )


def send_unsent() -> int:
    """Send what is unsent; returns how many alerts went out. What fails is tried again later."""
    sent = 0
    for alert in Alert.objects.filter(sent_at=None).order_by("id")[:20]:
        if not _deliver(alert):
            break
        sent += Alert.objects.filter(pk=alert.pk, sent_at=None).update(sent_at=timezone.now())
    return sent


def _deliver(alert: Alert) -> bool:
    try:
        if settings.ADMINS:
            mail_admins(_subject(alert), _text(alert))
        if settings.ALERT_WEBHOOK_URL:
            _post(settings.ALERT_WEBHOOK_URL, _data(alert))
    except (OSError, smtplib.SMTPException, urllib.error.URLError) as error:
        events.log(events.ALERT_FAILED, level=logging.WARNING, error_type=type(error).__name__)
        return False
    return True


def _subject(alert: Alert) -> str:
    return f"AI calls fail: {alert.error_code}"


def _text(alert: Alert) -> str:
    lines = [
        f"Since {alert.created_at:%Y-%m-%d %H:%M} UTC, AI calls fail with {alert.error_code}"
        f" ({alert.error_category}).",
        f"What to do: {rule_of(alert.error_code).remedy}",
        f"Provider and key: {alert.credential or 'none is configured'}",
    ]
    if alert.operation_id:
        lines.append(f"First operation: {alert.operation_id} (admin, Operations)")
    lines.append("Nothing that people wrote is lost. The next message comes in an hour.")
    return "\n".join(lines)


def _data(alert: Alert) -> dict[str, Any]:
    return {
        "event": "operations.alert",
        "category": alert.error_category,
        "error_code": alert.error_code,
        "credential": alert.credential,
        "operation_id": str(alert.operation_id) if alert.operation_id else None,
        "remedy": str(rule_of(alert.error_code).remedy),
        "at": alert.created_at.isoformat(),
    }


def _post(url: str, data: dict[str, Any]) -> None:
    request = urllib.request.Request(  # noqa: S310  (http and https only: settings check it)
        url, json.dumps(data).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=WEBHOOK_TIMEOUT_SECONDS):  # noqa: S310
        pass

"""The ways to an administrator: mail to ADMINS, and a webhook, as plain JSON or as Slack reads it.

Says who could be told and delivers; when and of what is decided in `workers.alerts`.
"""

from __future__ import annotations

import http.client
import json
import smtplib
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import mail_admins

WEBHOOK_TIMEOUT_SECONDS = 5.0
SLACK_HOST = "hooks.slack.com"
REACH_NOBODY = ("console.EmailBackend", "dummy.EmailBackend")
"""Of Django: what is printed or dropped was sent to nobody."""

FAILURES = (OSError, smtplib.SMTPException, http.client.HTTPException, ValueError)
"""Of a mail server, a webhook, a name server; ValueError is a header or URL that cannot be one."""


@dataclass(frozen=True)
class Message:
    subject: str
    text: str
    data: Mapping[str, Any]
    """For programs. Codes and numbers, nothing that a person wrote."""


@dataclass(frozen=True)
class Delivery:
    told: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    """The name of the error, by channel."""


def channels() -> dict[str, Callable[[Message], None]]:
    """Those that are set up, by name; each raises one of FAILURES."""
    found: dict[str, Callable[[Message], None]] = {}
    if settings.ADMINS and not settings.EMAIL_BACKEND.endswith(REACH_NOBODY):
        found["mail"] = _mail
    if settings.ALERT_WEBHOOK_URL:
        found["webhook"] = _post
    return found


def deliver(message: Message) -> Delivery:
    """By every channel, each by itself. Raises nothing of FAILURES."""
    told, failed = [], {}
    for name, send in channels().items():
        try:
            send(message)
        except FAILURES as error:
            failed[name] = type(error).__name__
        else:
            told.append(name)
    return Delivery(tuple(told), failed)


def _mail(message: Message) -> None:
    mail_admins(message.subject, message.text)


def _post(message: Message) -> None:
    data = _for_slack(message) if _is_for_slack() else message.data
    request = urllib.request.Request(  # noqa: S310  (http and https only: settings check it)
        settings.ALERT_WEBHOOK_URL,
        json.dumps(data).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=WEBHOOK_TIMEOUT_SECONDS):  # noqa: S310
        pass


def _is_for_slack() -> bool:
    form = settings.ALERT_WEBHOOK_FORMAT
    return bool(
        form == "slack"
        or (form == "auto" and urlsplit(settings.ALERT_WEBHOOK_URL).hostname == SLACK_HOST)
    )


def _for_slack(message: Message) -> dict[str, str]:
    """https://docs.slack.dev/messaging/formatting-message-text: three characters are escaped."""
    text = f"*{message.subject}*\n{message.text}"
    return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}

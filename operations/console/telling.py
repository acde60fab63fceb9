"""Who has been told of what is wrong: the console's banner and `--json` of the commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from operations import channels
from operations.console.conditions import (
    MAX_LAG_SECONDS,
    Condition,
    current_with_alerts,
    remedy_of,
)
from operations.console.health import Health
from operations.models import Alert

NOBODY = "Told nobody"


@dataclass(frozen=True)
class Notice:
    condition: Condition
    alert: Alert | None
    """None where no supervisor has looked since it began."""

    @property
    def remedy(self) -> str:
        return remedy_of(self.condition.name)

    @property
    def told_words(self) -> str:
        return told_words(self.alert)

    @property
    def is_told(self) -> bool:
        return bool(self.alert and self.alert.times_told)


def notices(now: Health | None = None, *, max_lag: float = MAX_LAG_SECONDS) -> list[Notice]:
    """Everything that is wrong now, with who knows of it."""
    return [Notice(*pair) for pair in current_with_alerts(now, max_lag=max_lag)]


def told_words(alert: Alert | None) -> str:
    """ "Told by mail at 02:10, 2 times, next at 06:10 UTC", or that and why nobody was."""
    if alert and alert.told_at:
        times = f", {alert.times_told} times" if alert.times_told > 1 else ""
        failed = f"; not by {alert.failed_to}" if alert.failed_to else ""
        again = f"; next {_clock(alert.next_at)}" if alert.next_at and not failed else ""
        return f"Told by {alert.told_to} {_clock(alert.told_at)}{times}{again}{failed}."
    if not channels.channels():
        return f"{NOBODY}: set ADMINS with EMAIL_URL, or ALERT_WEBHOOK_URL."
    if alert and alert.failed_to:
        return f"{NOBODY}: delivery by {alert.failed_to} failed {alert.failures} times."
    return f"{NOBODY} yet."


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def as_data(notice: Notice) -> dict[str, Any]:
    """The one shape of an alert for programs. Times ISO 8601 UTC; null where nobody was told."""
    alert = notice.alert
    return {
        "condition": notice.condition.name,
        "subject": notice.condition.subject,
        "text": notice.condition.text,
        "remedy": notice.remedy,
        "opened_at": alert.opened_at.isoformat() if alert else None,
        "told_to": alert.told_to.split(", ") if alert and alert.told_to else [],
        "told_at": alert.told_at.isoformat() if alert and alert.told_at else None,
        "times_told": alert.times_told if alert else 0,
        "next_at": alert.next_at.isoformat() if alert and alert.next_at else None,
    }

"""What an administrator reads of an alert: English and technical, like the remedies."""

from __future__ import annotations

from operations.channels import Message
from operations.console.conditions import remedy_of
from operations.errors import RULES
from operations.models import Alert


def alert_message(alert: Alert) -> Message:
    """That it began, that it lasts, or that it is over."""
    return Message(f"{_lead(alert)}: {_name(alert)}", "\n".join(_lines(alert)), _data(alert))


def _state(alert: Alert) -> str:
    if alert.resolved_at:
        return "resolved"
    return "repeated" if alert.times_told else "opened"


def _lead(alert: Alert) -> str:
    return {"resolved": "Resolved", "repeated": "Still wrong", "opened": "Alert"}[_state(alert)]


def _name(alert: Alert) -> str:
    """The code where there is one: it is what a search in the console and in docs/errors.md
    finds."""
    return alert.condition if alert.condition in RULES else alert.text


def _lines(alert: Alert) -> list[str]:
    since = f"{alert.opened_at:%Y-%m-%d %H:%M} UTC"
    if alert.resolved_at:
        return [
            f"From {since} to {alert.resolved_at:%Y-%m-%d %H:%M} UTC: {alert.text}.",
            "This is over. What failed meanwhile can be retried in the admin, Operations.",
        ]
    lines = [f"Since {since}: {alert.text}.", f"What to do: {remedy_of(alert.condition)}"]
    if alert.operation_id:
        lines.append(f"First operation: {alert.operation_id} (admin, Operations)")
    return [
        *lines,
        "Nothing that people wrote is lost. You hear of it again after 1 h, then after 4 h more,"
        " then daily, and when it is over.",
    ]


def _data(alert: Alert) -> dict[str, object]:
    rule = RULES.get(alert.condition)
    return {
        "event": "operations.alert",
        "state": _state(alert),
        "condition": alert.condition,
        "subject": alert.subject,
        "text": alert.text,
        "category": str(rule.category) if rule else "",
        "error_code": rule.code if rule else "",
        "credential": alert.subject if rule else "",
        "operation_id": str(alert.operation_id) if alert.operation_id else None,
        "remedy": remedy_of(alert.condition),
        "at": alert.opened_at.isoformat(),
        "resolved_at": alert.resolved_at.isoformat() if alert.resolved_at else None,
    }

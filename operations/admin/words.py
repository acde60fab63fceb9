"""Times and states in an operator's words: short, exact enough, always of now."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from operations.models import Operation
from operations.pauses import BY_HAND

NOTHING = "–"


def length(span: timedelta | float) -> str:
    """ "350 ms", "12.4 s", "3 min", "2 h 5 min", "4 d"."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 20:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{math.floor(minutes / 1440)} d"


def age(since: datetime, now: datetime) -> str:
    return length(max(timedelta(0), now - since))


def until(moment: datetime, now: datetime) -> str:
    """ "in 3 s" while it is near, else "at 14:07"."""
    left = moment - now
    if left <= timedelta(0):
        return "now"
    if left <= timedelta(seconds=90):
        return f"in {math.ceil(left.total_seconds())} s"
    same_day = moment.date() == now.date()
    return f"at {moment:%H:%M}" if same_day else f"at {moment:%Y-%m-%d %H:%M}"


def state_text(operation: Operation, state: str, *, paused_by: str, now: datetime) -> str:
    """What it does now and until when. `paused_by`: the category of its credential's pause."""
    due = operation.next_attempt_at
    match state:
        case "queued":
            return f"queued {age(operation.queued_at, now)}"
        case "running":
            return f"running {age(operation.started_at or now, now)}"
        case "retrying":
            return f"retrying {until(due, now)}" if due else "retrying"
        case "rate_limited":
            return f"rate limited, {until(due, now)}" if due else "rate limited"
        case "paused":
            return "paused by an operator" if paused_by in ("", BY_HAND) else f"paused: {paused_by}"
        case "stuck" if operation.status == Operation.Status.RUNNING and operation.lease_expires_at:
            return f"stuck: lease ended {age(operation.lease_expires_at, now)} ago"
        case "stuck":
            return f"stuck: due for {age(max(filter(None, (operation.queued_at, due))), now)}"
        case "acknowledged":
            return "failed, acknowledged"
    return state

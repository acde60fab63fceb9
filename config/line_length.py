"""How long a log line may become, and what is left of one that would be longer.

Each value is bounded where it is masked (`operations.masking`), the number of them is not: a chain
of exceptions or a list that a server filled makes a line that collectors cut in the middle or drop.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from structlog.typing import EventDict, Processor, WrappedLogger

MAX_LINE = 16_000
"""Characters of a line as JSON: Docker cuts at 16 KiB."""
ALWAYS_KEPT = (
    "timestamp",
    "level",
    "logger",
    "event",
    "request_id",
    "operation_id",
    "operation_kind",
    "host",
    "pid",
    "session_id",
    "user_id",
    "attempt",
    "category",
    "error_code",
    "error_type",
    "error_message",
    "provider_request_id",
    "duration_ms",
    "wait_seconds",
)
"""The contract's fields; they come first, and none can take the others' room."""
MAX_KEPT = 600
MAX_NAMED = 10
MAX_NAME = 200
ROOM_FOR_NAMES = (MAX_NAMED + 1) * (MAX_NAME + len('"", '))
LEFT_OUT = "[…]"

_encode = json.JSONEncoder(ensure_ascii=False).encode


def bounded(render: Processor) -> Processor:
    """The renderer, asked again for less where its line is too long."""

    def render_bounded(logger: WrappedLogger, method: str, event: EventDict) -> Any:
        line = render(logger, method, {**event})
        if isinstance(line, str) and len(line) > MAX_LINE:
            return render(logger, method, shortened(event))
        return line

    return render_bounded


def shortened(event: Mapping[str, Any]) -> dict[str, Any]:
    """As much of a masked event as a line holds, and under `shortened` the names of what it does
    not hold whole."""
    room = MAX_LINE - ROOM_FOR_NAMES
    kept: dict[str, Any] = {}
    names: list[str] = []
    for name in sorted(event, key=_rank):
        most = MAX_KEPT if name in ALWAYS_KEPT else room - _length({name: ""})
        value = _fitting(event[name], most)
        if value != event[name]:
            names.append(name)
        if value != LEFT_OUT or name in ALWAYS_KEPT:
            kept[name] = value
            room -= _length({name: value})
    return {**kept, "shortened": _first_of(names)}


def _rank(name: str) -> int:
    return ALWAYS_KEPT.index(name) if name in ALWAYS_KEPT else len(ALWAYS_KEPT)


def _first_of(names: Sequence[str]) -> list[str]:
    first = [name if _length(name) <= MAX_NAME else LEFT_OUT for name in names[:MAX_NAMED]]
    more = len(names) - len(first)
    return [*first, f"{more} more"] if more else first


def _length(value: object) -> int:
    """Characters of its JSON, in which a control character has six."""
    return len(_encode(value))


def _fitting(value: Any, room: int) -> Any:
    """The value, or as much of its beginning as fits, or LEFT_OUT."""
    if _length(value) <= room:
        return value
    if isinstance(value, str):
        return _fitting_text(value, room)
    if isinstance(value, list):
        return _fitting_list(value, room)
    if isinstance(value, dict):
        return _fitting_dict(value, room)
    return LEFT_OUT


def _fitting_text(text: str, room: int) -> str:
    fitting = bisect_right(range(len(text)), room, key=lambda n: _length(text[:n] + LEFT_OUT))
    return text[: max(0, fitting - 1)] + LEFT_OUT


def _fitting_list(items: list[Any], room: int) -> Any:
    kept: list[Any] = []
    room -= _length([LEFT_OUT])
    for item in items:
        value = _fitting(item, room)
        if value == LEFT_OUT:
            break
        kept.append(value)
        room -= _length([value])
    return [*kept, LEFT_OUT] if kept else LEFT_OUT


def _fitting_dict(items: dict[str, Any], room: int) -> Any:
    kept: dict[str, Any] = {}
    room -= _length({LEFT_OUT: LEFT_OUT})
    for name, item in items.items():
        value = _fitting(item, room - _length({name: ""}))
        if value == LEFT_OUT:
            break
        kept[name] = value
        room -= _length({name: value})
    return {**kept, LEFT_OUT: LEFT_OUT} if kept else LEFT_OUT

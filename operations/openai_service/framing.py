"""The body of a 2xx answer → its JSON value, also where it is framed as server-sent events.

Some servers stream unless they are told not to, and some relays frame what is whole: comments that
keep a connection open before the JSON, one completion as one event, `[DONE]` after it. Chunks are
put together into the completion that they are pieces of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from operations.openai_service.answer import read_json

DONE = "[DONE]"
_FIELD = re.compile(r"(?::|event:|id:|retry:)")
_LINE_END = re.compile(r"\r\n|\r|\n")
TEXTS = ("content", "reasoning_content", "reasoning", "refusal")


def read_body(body: bytes) -> Any:
    """Raises ValueError for what is neither JSON nor a frame around it."""
    try:
        return read_json(body)
    except ValueError:
        return _read_frames(body)


def _read_frames(body: bytes) -> Any:
    text = body.decode("utf-8-sig")
    values = [read_json(each.encode()) for each in _payloads(text)]
    if not values:
        raise ValueError("neither JSON nor events")
    if whole := next((v for v in values if _is_whole(v)), None):
        return whole
    if len(values) == 1:
        return values[0]
    return _put_together(values, is_done=text.rstrip().endswith(DONE))


def _payloads(text: str) -> Iterator[str]:
    """What the events carry. Without any event: what is left without comments and `[DONE]`, which
    may be JSON over several lines."""
    # Not `splitlines`: to it also a character inside a JSON string ends a line.
    lines = [line for line in _LINE_END.split(text) if not _FIELD.match(line)]
    data = [line[5:].strip() for line in lines if line.startswith("data:")]
    rest = "\n".join(line for line in lines if not line.startswith("data:"))
    rest = rest.strip().removesuffix(DONE).strip()
    if rest:
        yield rest
    yield from (each for each in data if each and each != DONE)


def _is_whole(value: Any) -> bool:
    """A completion, or an error: neither is a piece of anything."""
    if not isinstance(value, dict):
        return False
    choices = value.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return bool(value.get("error")) or (isinstance(first, dict) and "message" in first)


def _put_together(chunks: list[Any], *, is_done: bool) -> dict[str, Any]:
    """One completion. A stream that was cut off says so by its finish reason: it has none, and
    nothing marks its end."""
    envelope: dict[str, Any] = {}
    message: dict[str, Any] = {}
    reason = None
    for chunk in chunks:
        if not isinstance(chunk, dict):
            raise ValueError("an event is no chunk")
        envelope |= {k: v for k, v in chunk.items() if v and k not in ("choices", "object")}
        for choice in chunk.get("choices") or ():
            if not isinstance(choice, dict) or choice.get("index") not in (None, 0):
                continue
            reason = choice.get("finish_reason") or reason
            _add(message, choice.get("delta"))
    if reason is None and not is_done:
        reason = "length"
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return {**envelope, "object": "chat.completion", "choices": [choice]}


def _add(message: dict[str, Any], delta: Any) -> None:
    if not isinstance(delta, dict):
        return
    for name in TEXTS:
        if isinstance(delta.get(name), str):
            message[name] = message.get(name, "") + delta[name]
    for call in delta.get("tool_calls") or ():
        _add_call(message.setdefault("tool_calls", []), call)


def _add_call(calls: list[dict[str, Any]], piece: Any) -> None:
    """The arguments of a call come in pieces; a piece with an id begins another call."""
    function = piece.get("function") if isinstance(piece, dict) else None
    if not isinstance(function, dict):
        return
    if piece.get("id") or not calls:
        calls.append({"function": {"name": function.get("name"), "arguments": ""}})
    arguments = function.get("arguments")
    calls[-1]["function"]["arguments"] += arguments if isinstance(arguments, str) else ""

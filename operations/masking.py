"""What may never reach a log, an error or a row: keys, passwords, tokens, addresses, own words.

Plain Python, so that everything may import it. Two nets: patterns over every string (a provider may
repeat a key anywhere), and names of fields whose values are dropped whatever they look like. What a
person wrote has no pattern: it is kept out by never being logged, by the names below, and by
leaving the messages out of tracebacks, because exceptions quote the values they choke on.
"""

from __future__ import annotations

import functools
import re
from collections import OrderedDict
from collections.abc import Mapping, MutableMapping
from typing import Any

MASKED = "[masked]"

MAX_DEPTH = 20
MIN_SECRET_LENGTH = 8
"""A shorter key ("none", "x") would mask ordinary words; its patterns still apply."""
MAX_SECRETS = 256

MAX_VALUE = 2_000
"""Characters of one value in a log line: paths, headers and names are a stranger's to choose."""
MAX_TRACEBACK = 16_000
LONGEST_SECRET = 512
LONGEST_NAME = 200
"""What a longer one names is nothing of ours: its value is dropped."""

# Linear on any text: what is repeated is possessive or bounded, and no two repeats side by side can
# share their characters (config/tests/test_patterns.py).
_PATTERN = re.compile(
    r"""
    (?P<prefix> (?<![A-Za-z0-9]) (?:authorization|proxy-authorization|cookie|x-api-key|api-key)
        ["'\s]* [:=] \s* b?["']? ) [^"'\r\n]+
  | (?P<scheme> \b bearer \s+ ) [^\s"',;)]+
  | (?P<name> (?<![A-Za-z0-9]) (?:api_?key|password|passwd|secret|access_?token|refresh_?token
        |auth_?token|sessionid|csrfmiddlewaretoken|token) ["']? \s* [:=] \s* b?["']? )
        [^\s"',;&)]+
  | (?P<userinfo> :// ) [^/\s@"':]*+ : [^/\s@"']*+ (?= @ )
  | (?: (?<![A-Za-z0-9]) | (?<=\\[nrt]) ) (?: sk-[^\s"',;)\]}<>]+
        | (?:sk|rk|gsk|hf|fw|ghp|ip|r8)_[A-Za-z0-9_*.\-]{8,}
        | (?:xai|pplx|nvapi|key)-[A-Za-z0-9_*.\-]{8,} | AIza[A-Za-z0-9_\-]{8,} )
  | [A-Za-z0-9._%+\-]{1,64}+ @ [A-Za-z0-9\-]++ (?:\.[A-Za-z0-9\-]++)++
    """,
    re.VERBOSE | re.IGNORECASE,
)

# Ids, times and event names: most strings of most log lines, and none of them can match above.
_PLAIN = re.compile(r"[0-9a-fA-F:.+TZ\-]*|[a-z_.]*")

_SECRET_NAME = re.compile(
    r"(?:^|[_\-.])"
    r"(?:api_?key|key|authorization|cookies?|password\d?|passwd|secret|token|csrf\w{0,200})$",
    re.IGNORECASE,
)
_BEGINS = ("Traceback (most recent call last):", "Exception Group Traceback")
_LINKS = ("The above exception was", "During handling of the above")
_FRAME = re.compile(r"[ |]+(?:File \"| {2,}|\[Previous line)")
_OWN_WORDS = frozenset(
    {
        "answer",
        "answer_text",
        "body",
        "content",
        "email",
        "exc_notes",
        "exc_value",
        "job_description",
        "messages",
        "prompt",
        "resume",
        "resume_text",
        "text",
    }
)

_secrets: OrderedDict[str, None] = OrderedDict()


def remember_secret(secret: str) -> None:
    """Mask this value wherever it occurs in this process from now on: keys have no common form. Of
    more than MAX_SECRETS those are forgotten that were named longest ago."""
    if len(secret) < MIN_SECRET_LENGTH:
        return
    _secrets[secret] = None
    _secrets.move_to_end(secret)
    if len(_secrets) > MAX_SECRETS:
        _secrets.popitem(last=False)


def mask(text: str) -> str:
    """The text with every secret and address replaced, and storable (no lone surrogate)."""
    for secret in tuple(_secrets):
        if secret in text:
            text = text.replace(secret, MASKED)
    if _PLAIN.fullmatch(text):
        return text
    text = _PATTERN.sub(_masked, text)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def mask_event(logger: Any, name: str, event_dict: MutableMapping[str, Any]) -> dict[str, Any]:
    """A structlog processor, the last one before rendering: everything below a masked dict is
    plain data, so nothing unmasked can come out of a `repr` later."""
    return {
        key: _masked_traceback(value)
        if key == "exception" and isinstance(value, str)
        else _masked_field(key, value, MAX_DEPTH)
        for key, value in event_dict.items()
    }


def _masked_traceback(printed: str) -> str:
    return masked_and_short(without_messages(printed), MAX_TRACEBACK)


def masked_and_short(text: str, most: int = MAX_VALUE) -> str:
    """Masked and at most about `most` characters, and how many there were."""
    if len(text) <= most:
        return mask(text)
    return f"{masked_start(text, most)} [… {len(text)} characters]"


def masked_start(text: str, most: int) -> str:
    """At most the first `most` characters of the masked text.

    Masked before it is cut, and some way beyond the cut, so that half a secret is never left; what
    stands nearest to the end of that way, where a secret may be halved itself, is dropped.
    """
    reach = 2 * most + LONGEST_SECRET
    masked = mask(text[:reach])
    if len(text) > reach:
        masked = masked[:-LONGEST_SECRET]
    return masked[:most]


def without_messages(traceback: str) -> str:
    """A printed traceback with places and types alone.

    A message may go on over many lines, indented or not: it ends where the next traceback of the
    chain begins.
    """
    lines: list[str] = []
    in_frames = False
    for line in traceback.splitlines():
        bare = line.lstrip(" |+-")
        if bare.startswith(_BEGINS):
            in_frames = True
            lines.append(line)
        elif in_frames and _FRAME.match(line):
            lines.append(line)
        elif in_frames:
            in_frames = False
            kind, colon, _ = line.partition(":")
            lines.append(f"{kind}: {MASKED}" if colon else line)
        elif bare.startswith(_LINKS):
            lines.append(line)
    return "\n".join(lines)


def _masked(match: re.Match[str]) -> str:
    kept = match["prefix"] or match["scheme"] or match["name"] or match["userinfo"] or ""
    return kept + MASKED


@functools.lru_cache(maxsize=1024)
def _names_what_is_private(name: str) -> bool:
    if len(name) > LONGEST_NAME:
        return True
    return name.lower() in _OWN_WORDS or bool(_SECRET_NAME.search(name))


def _masked_field(key: object, value: Any, depth: int) -> Any:
    if value is not None and _names_what_is_private(str(key)):
        return MASKED
    return _masked_value(value, depth)


def _masked_value(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return masked_and_short(value)
    if depth == 0:
        return MASKED
    if isinstance(value, bytes):
        return masked_and_short(value[: 4 * MAX_VALUE].decode("utf-8", "backslashreplace"))
    if isinstance(value, Mapping):
        return {masked_and_short(str(k)): _masked_field(k, v, depth - 1) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_masked_value(item, depth - 1) for item in value]
    return masked_and_short(_written(value))


def _written(value: object) -> str:
    """A log line must not fail over an object whose `repr` does."""
    try:
        return value if isinstance(value, str) else str(value)
    except Exception as error:  # any class may be logged, with any `__str__`
        return f"<{type(value).__name__}: {type(error).__name__}>"

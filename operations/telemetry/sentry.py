"""The only importer of Sentry's SDK: an error is a type, places in the code, and ids.

Of its integrations only those for uncaught exceptions are used: others would add requests,
statements, logged texts and, the one of the provider's SDK, prompts. What is sent is chosen here,
field by field, instead of taking out what must not be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from structlog.typing import EventDict

from operations import trace
from operations.database.trouble import is_trouble
from operations.log_lines import error_of
from operations.masking import MASKED, mask

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

EVENT = re.compile(r"[a-z]{1,40}\.[a-z_]{1,60}")
KEPT = ("event_id", "timestamp", "level", "platform", "release", "environment", "server_name")
KEPT_OF_FRAME = (
    *("filename", "abs_path", "module", "function", "lineno", "in_app"),
    *("pre_context", "context_line", "post_context"),
)
TAGS = (
    *("logger", "request_id", "operation_id", "operation_kind", "attempt"),
    *("category", "error_code", "method", "path"),
)
"""Fields of a log line by which an error is searched for."""


def start(role: str) -> tuple[Callable[[EventDict], None], Callable[[], object]]:
    """What reports a log line that has an exception, and what sends those that wait."""
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=settings.VERSION,
        server_name=trace.host(),
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            ExcepthookIntegration(),
            AtexitIntegration(callback=_wait_in_silence),
            DedupeIntegration(),
        ],
        before_send=_what_may_be_sent,
        # Belt and braces: none of it passes _what_may_be_sent.
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
    )
    sentry_sdk.get_global_scope().set_tag("role", role)
    return _report, sentry_sdk.flush


def _wait_in_silence(pending: int, timeout: float) -> None:
    """By itself it says on stderr that it waits, between lines of JSON."""


def _report(line: EventDict) -> None:
    error = error_of(line.get("exc_info"))
    if error is None or str(line.get("logger")).startswith("sentry_sdk"):
        return
    with sentry_sdk.new_scope() as scope:
        scope.set_tags({name: line[name] for name in TAGS if line.get(name)})
        # A library's is a sentence, with anything in it.
        if EVENT.fullmatch(str(line.get("event"))):
            scope.set_tag("event", line["event"])
        scope.set_level(line.get("level", "error"))
        sentry_sdk.capture_exception(error)


def _what_may_be_sent(event: Event, hint: Hint) -> Event | None:
    error = hint.get("exc_info", (None, None))[1]
    if error is None or is_trouble(error):
        return None
    whole: Mapping[str, Any] = event
    errors = whole.get("exception", {}).get("values", [])
    sent: Any = {name: whole[name] for name in KEPT if name in whole} | {
        "tags": {name: mask(str(value)) for name, value in whole.get("tags", {}).items()},
        "exception": {"values": [_without_message(each) for each in errors]},
    }
    return sent  # type: ignore[no-any-return]


def _without_message(error: Mapping[str, Any]) -> dict[str, Any]:
    frames = (error.get("stacktrace") or {}).get("frames", [])
    return {
        "type": error.get("type"),
        "module": error.get("module"),
        "value": MASKED,
        "stacktrace": {
            "frames": [
                {name: each[name] for name in KEPT_OF_FRAME if name in each} for each in frames
            ]
        },
    }

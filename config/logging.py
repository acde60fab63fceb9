"""One pipe for all log records, ours and foreign: one JSON object a line, or readable lines.

Masking is the last step before rendering, over tracebacks and other libraries' records too; what
would be too long a line is rendered again with less (`config.line_length`). All logs go to stderr:
stdout belongs to what a command was asked to print.
"""

from __future__ import annotations

import os
from typing import Any

import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

from config.line_length import bounded
from operations import telemetry, trace
from operations.database import trouble
from operations.database.trouble import is_trouble
from operations.log_lines import error_of
from operations.masking import mask_event

REQUEST_LOGGER = "django_structlog.middlewares.request"

SPAN_EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"

# django-structlog's names → the names of our log contract.
REQUEST_EVENTS = {"request_finished": "http.request", "request_failed": "http.request"}


def name_request_events(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Give django-structlog's access lines the names that dashboards are written against."""
    if event.get("logger") == REQUEST_LOGGER and event["event"] in REQUEST_EVENTS:
        event["event"] = REQUEST_EVENTS[event["event"]]
        event["status"] = event.pop("code")
        event["method"], _, event["path"] = event.pop("request").partition(" ")
        if event.get("user_id") is None:
            event.pop("user_id", None)
    return event


def without_trace_of_trouble(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A database or Redis that is gone is nobody's bug: the stack trace tells where somebody just
    was, and django-q2 would write one every few seconds."""
    error = error_of(event.get("exc_info"))
    if isinstance(error, Exception) and (is_trouble(error) or _is_of_redis(error)):
        del event["exc_info"]
        event.update(trouble.fields(error))
    return event


def _is_of_redis(error: Exception) -> bool:
    return type(error).__module__ == "redis.exceptions"


def name_process(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Which process of which machine says so: `host` and `pid` as in the rows' `worker`."""
    event.setdefault("host", trace.host())
    event.setdefault("pid", os.getpid())
    return event


SHARED_PROCESSORS: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    name_process,
]


def configure_structlog() -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED_PROCESSORS,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            name_request_events,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def logging_configuration(*, level: str, log_format: str, colors: bool = False) -> dict[str, Any]:
    """The LOGGING setting. Only the root logger has a handler, so that nothing goes around it."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED_PROCESSORS,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *_rendering(log_format, colors=colors),
                ],
            }
        },
        "handlers": {
            "stderr": {"class": "operations.log_lines.LineHandler", "formatter": "structured"}
        },
        "filters": {"seldom": {"()": "operations.log_lines.Seldom"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "propagate": True, "level": "NOTSET"},
            # Below it writes every statement, and people's texts as their parameters.
            "django.db.backends": {"level": "INFO"},
            # Says in other words, query string included, what http.request says.
            "django.request": {"level": "CRITICAL"},
            "django.server": {"handlers": [], "propagate": True, "level": "NOTSET"},
            # Tells of every bell it rings. What an operation did is in operations' own events.
            "django-q": {
                "handlers": [],
                "propagate": True,
                "level": "WARNING",
                "filters": ["seldom"],
            },
            "_granian": {"handlers": [], "propagate": True},
            # A line for each call of the provider; the attempts have events of their own.
            "httpx2": {"level": "WARNING"},
            # While its collector is away it has something to say of each batch.
            SPAN_EXPORTER: {"level": "ERROR", "filters": ["seldom"]},
        },
    }


def _rendering(log_format: str, *, colors: bool) -> list[Processor]:
    if log_format == "console":
        return [
            without_trace_of_trouble,
            telemetry.report,
            structlog.processors.format_exc_info,
            mask_event,
            bounded(
                structlog.dev.ConsoleRenderer(
                    colors=colors, exception_formatter=structlog.dev.plain_traceback
                )
            ),
        ]
    return [
        without_trace_of_trouble,
        telemetry.report,
        # The transformer writes local variables by default: keys and answers, that is.
        ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
        mask_event,
        bounded(structlog.processors.JSONRenderer(ensure_ascii=False)),
    ]

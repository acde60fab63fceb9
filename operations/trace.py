"""Who did it and who asked: the process that writes a row or a line, and the request behind it."""

from __future__ import annotations

import functools
import os
import signal
import socket

import structlog

MAX_WORKER = 100
MAX_REQUEST_ID = 64


@functools.cache
def host() -> str:
    """As in `WorkerHeartbeat.hostname`; short enough that host and process id fit a column."""
    return socket.gethostname()[: MAX_WORKER - len(":4194304")]


def process() -> str:
    """This process as rows name it: `host:pid`."""
    return f"{host()}:{os.getpid()}"


def request_id() -> str:
    """Of the HTTP request that this thread answers, as its log lines have it; empty outside."""
    return str(structlog.contextvars.get_contextvars().get("request_id") or "")[:MAX_REQUEST_ID]


def signal_name(exit_code: int | None) -> str | None:
    """SIGKILL for -9; None for a process that ended by itself, or of which nobody knows."""
    if exit_code is None or exit_code >= 0:
        return None
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"

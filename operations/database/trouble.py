"""Trouble of the database itself, as opposed to its refusal of one statement for good.

One answer for everybody who asks: whoever is told "trouble" may try again later, and leaves the
connection that met it, because that may be one to a server that only reads since a fail-over.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from django.db import Error, InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

SQLITE_CODES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
POSTGRESQL_CLASSES = frozenset({"08", "40", "53", "55", "57", "58"})
"""Connection, rollback (deadlock), resources, locks, operator intervention, system error.
(PostgreSQL's manual, appendix A.)"""

POSTGRESQL_STATES = frozenset({"25006", "25P03", "25P04"})
"""A server that only reads, and time-outs of a session and of a transaction. They are among the
states of a transaction, whose class is otherwise about mistakes of ours: Django's InternalError."""

LOCK_SECONDS = 5
"""Whoever waits for a lock that somebody holds for longer is told to try again."""

READS_ONLY = (b"default_transaction_read_only", b"in_hot_standby")


def is_trouble(error: BaseException | None) -> bool:
    """Of what Django raises. Both drivers use OperationalError for passing trouble and for what is
    refused for good ("no such table", "index row too large"): their codes decide."""
    if not isinstance(error, Error):
        return False
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in SQLITE_CODES
    state = getattr(error.__cause__, "sqlstate", None)
    if state is not None:
        return state[:2] in POSTGRESQL_CLASSES or state in POSTGRESQL_STATES
    # No server said it: there was none, or the line was cut.
    return isinstance(error, (OperationalError, InterfaceError))


def fields(error: BaseException) -> dict[str, Any]:
    """For a log line: its class, and the server's code where there is one."""
    cause = error.__cause__
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return {"error_type": type(error).__name__} | ({"database_code": code} if code else {})


def leave_connection() -> None:
    """Whoever asks next gets a new one. Inside a transaction it is the transaction's."""
    if not connection.in_atomic_block:
        connection.close()


def leave_reader() -> None:
    """Leave a connection whose server takes no writes, or did not when it was opened: it has told
    so by itself (PostgreSQL 14 and later), so that this costs no round trip."""
    inner = connection.connection
    if inner is None or connection.vendor != "postgresql":
        return
    status = inner.pgconn.parameter_status
    if any(status(name) == b"on" for name in READS_ONLY):
        leave_connection()


def limit_lock_waits(connection: BaseDatabaseWrapper, **_: object) -> None:
    """For Django's signal of a new connection. Through a pooler it is nobody's own, and keeps no
    setting of ours: there the process that answers is another one than the one that greeted."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('lock_timeout', %s, false) WHERE pg_backend_pid() = %s",
                [f"{LOCK_SECONDS}s", connection.connection.info.backend_pid],
            )

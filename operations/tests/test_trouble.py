"""Every error that a database can give has a decision: trouble, or a refusal for good."""

from __future__ import annotations

import inspect
import sqlite3
from typing import Any

import django.db.utils
import psycopg
import psycopg.errors
import pytest
from django.db import OperationalError, connection
from django.db.utils import DatabaseErrorWrapper

from operations import events
from operations.database import trouble
from operations.database.trouble import is_trouble

NO, YES = False, True

BY_CLASS = {
    "02": NO,  # no data
    "03": NO,  # statement not complete yet
    "08": YES,  # connection
    "09": NO,  # triggered action
    "0A": NO,  # feature not supported
    "0B": NO,  # transaction initiation
    "0F": NO,  # locator
    "0L": NO,  # grantor
    "0P": NO,  # role
    "0Z": NO,  # diagnostics
    "10": NO,  # XQuery
    "20": NO,  # case not found
    "21": NO,  # cardinality
    "22": NO,  # data
    "23": NO,  # constraints
    "24": NO,  # cursor state
    "26": NO,  # statement name
    "27": NO,  # triggered data change
    "28": NO,  # authorization
    "2B": NO,  # dependent privileges
    "2D": NO,  # transaction termination
    "2F": NO,  # SQL routine
    "34": NO,  # cursor name
    "38": NO,  # external routine
    "39": NO,  # external routine's invocation
    "3B": NO,  # savepoint
    "3D": NO,  # catalog name
    "3F": NO,  # schema name
    "40": YES,  # rolled back: a deadlock, or two that cannot be serialized
    "42": NO,  # syntax, access rules
    "44": NO,  # check option
    "53": YES,  # resources: disk, memory, connections
    "54": NO,  # a limit of the program: too long a row for an index
    "55": YES,  # not in the state that it needs: locked
    "57": YES,  # an operator stopped the server or the statement
    "58": YES,  # an error outside of PostgreSQL: input and output
    "72": NO,  # snapshot
    "F0": NO,  # configuration file
    "HV": NO,  # foreign data
    "P0": NO,  # PL/pgSQL
    "XX": NO,  # a bug of the server, or corrupted data
}

BY_STATE = {
    "25000": NO,  # transaction state; the others of its class say what is wrong with it
    "25001": NO,
    "25002": NO,
    "25003": NO,
    "25004": NO,
    "25005": NO,
    "25006": YES,  # the server only reads
    "25007": NO,
    "25008": NO,
    "25P01": NO,  # no transaction
    "25P02": NO,  # the consequence of an earlier error
    "25P03": YES,  # idle in a transaction for too long
    "25P04": YES,  # transaction took too long
}

WITHOUT_STATE = {
    "Error": NO,
    "DatabaseError": NO,
    "DataError": NO,
    "IntegrityError": NO,
    "InternalError": NO,
    "ProgrammingError": NO,
    "NotSupportedError": NO,
    "InterfaceError": YES,  # the connection is closed
    "OperationalError": YES,  # no server said it: there was none
    "ConnectionTimeout": YES,
    "CancellationTimeout": YES,
    "_WaitTimeout": YES,
    "PipelineAborted": YES,
}

SQLITE = {
    "ERROR": NO,
    "INTERNAL": NO,
    "PERM": NO,
    "ABORT": NO,
    "BUSY": YES,
    "LOCKED": YES,
    "NOMEM": YES,
    "READONLY": YES,
    "INTERRUPT": YES,
    "IOERR": YES,
    "CORRUPT": NO,
    "NOTFOUND": NO,
    "FULL": YES,
    "CANTOPEN": YES,
    "PROTOCOL": YES,
    "EMPTY": NO,
    "SCHEMA": NO,
    "TOOBIG": NO,
    "CONSTRAINT": NO,
    "MISMATCH": NO,
    "MISUSE": NO,
    "NOLFS": NO,
    "AUTH": NO,
    "FORMAT": NO,
    "RANGE": NO,
    "NOTADB": NO,
}

PSYCOPG = [
    each
    for each in vars(psycopg.errors).values()
    if inspect.isclass(each) and issubclass(each, psycopg.Error)
]
DJANGO = [
    each
    for each in vars(django.db.utils).values()
    if inspect.isclass(each) and issubclass(each, django.db.utils.Error)
]


class _Psycopg:
    """What Django's wrapper asks of a backend."""

    Database = psycopg
    errors_occurred = False


def as_django_raises(error: psycopg.Error) -> Exception:
    try:
        with DatabaseErrorWrapper(_Psycopg()):
            raise error
    except django.db.utils.Error as wrapped:
        return wrapped


def decision(error: type[psycopg.Error]) -> bool:
    state = error.sqlstate
    if state is None:
        return WITHOUT_STATE[error.__name__]
    return BY_STATE[state] if state in BY_STATE else BY_CLASS[state[:2]]


@pytest.mark.parametrize("error", PSYCOPG, ids=lambda error: error.__name__)
def test_every_error_of_psycopg_has_a_decision(error: type[psycopg.Error]) -> None:
    assert is_trouble(as_django_raises(error("said by a server"))) is decision(error)


@pytest.mark.parametrize("error", DJANGO, ids=lambda error: error.__name__)
def test_every_error_of_django_without_a_cause_has_a_decision(error: type[Exception]) -> None:
    assert is_trouble(error("said by Django")) is WITHOUT_STATE[error.__name__]


@pytest.mark.parametrize(("name", "is_passing"), SQLITE.items(), ids=SQLITE)
@pytest.mark.parametrize("extended", [0, 2 << 8], ids=["primary", "extended"])
def test_every_result_code_of_sqlite_has_a_decision(
    name: str, is_passing: bool, extended: int
) -> None:
    error = OperationalError("said by SQLite")
    error.__cause__ = sqlite3.OperationalError("said by SQLite")
    error.__cause__.sqlite_errorcode = getattr(sqlite3, f"SQLITE_{name}") | extended

    assert is_trouble(error) is is_passing


def test_no_result_code_of_sqlite_is_left_out() -> None:
    # Beyond them are notices and rows, which are no errors.
    primary = {getattr(sqlite3, f"SQLITE_{name}") for name in SQLITE}

    assert primary == set(range(1, 27))


def test_what_is_no_error_of_a_database_is_no_trouble_of_one() -> None:
    assert not is_trouble(ValueError("57P01"))
    assert not is_trouble(None)


def test_only_its_class_and_its_code_reach_the_log() -> None:
    error = as_django_raises(psycopg.errors.DiskFull("INSERT INTO answer VALUES ('my words')"))

    assert trouble.fields(error) == {"error_type": "OperationalError", "database_code": "53100"}


@pytest.mark.django_db(transaction=True)
def test_sqlite_file_that_may_only_be_read_is_trouble() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's own")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = 1")
        with pytest.raises(OperationalError) as caught:
            cursor.execute("INSERT INTO django_session VALUES ('a', 'b', '2026-01-01')")
    connection.close()

    assert is_trouble(caught.value)


def test_same_trouble_is_told_once_and_another_at_once(caplog: pytest.LogCaptureFixture) -> None:
    def tell(error: type[psycopg.Error]) -> None:
        events.log_seldom("trouble", **trouble.fields(as_django_raises(error("said"))))

    for error in (psycopg.errors.DiskFull, psycopg.errors.DiskFull, psycopg.errors.AdminShutdown):
        tell(error)

    told: list[Any] = [record.msg for record in caplog.records]
    assert [each["database_code"] for each in told] == ["53100", "57P01"]

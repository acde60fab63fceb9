"""Where the database of this run of the suite is, and others beside it: SQLite or PostgreSQL,
whichever it runs on."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import redis
from django.conf import settings
from django.db import connection

_numbers = itertools.cycle(range(1, 16))
"""Of the databases in one Redis. 0 is the test process's own, which each test empties."""


def database_url(name: str = "") -> str:
    """The URL of the database that this test uses, or of another one on the same server."""
    values: dict[str, Any] = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    server = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}".format(**values)
    return f"{server}/{name or values['NAME']}"


def new_servers(file: Path) -> dict[str, str]:
    """The variables of an installation of its own: an empty database (SQLite's would be `file`),
    and an empty Redis where this run has one."""
    if connection.vendor == "sqlite":
        return {"DATABASE_URL": f"sqlite:///{file}"} | _new_broker()
    name = f"new_{uuid4().hex}"
    with psycopg.connect(database_url("postgres"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    return {"DATABASE_URL": database_url(name)} | _new_broker()


def _new_broker() -> dict[str, str]:
    if not settings.REDIS_URL:
        return {}
    url = f"{settings.REDIS_URL.rpartition('/')[0]}/{next(_numbers)}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return {"REDIS_URL": url}


@contextmanager
def opened(url: str) -> Iterator[Any]:
    """A connection of either driver: both have `execute`. What it changed is rolled back."""
    if url.startswith("postgres"):
        with closing(psycopg.connect(url)) as server:
            yield server
        return
    file = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(f"file:{file}?mode=rw", uri=True, timeout=20)) as opened_file:
        yield opened_file


def tables_in(opened_database: Any) -> list[str]:
    """Every one, those of Django and django-q2 too."""
    if isinstance(opened_database, sqlite3.Connection):
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    else:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    return [name for (name,) in opened_database.execute(query)]

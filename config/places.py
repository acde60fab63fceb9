"""Where data is kept and messages go, as the environment says it: database, pooler, Redis."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ

from config import local
from config.reader import Reader, is_url


def database(reader: Reader, base_dir: Path) -> dict[str, Any]:
    example = "postgres://user:password@host:5432/name"
    url = reader.text("DATABASE_URL")
    if not url:
        return {
            "ENGINE": "operations.sqlite",
            "NAME": str(local.local_directory(base_dir) / "db.sqlite3"),
        }
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        return _sqlite(reader, url, base_dir)
    if not is_url(url, ("postgres", "postgresql")) or urlsplit(url).path in ("", "/"):
        reader.wrong(
            "DATABASE_URL",
            "is neither a PostgreSQL URL with host and database name nor sqlite:///path/to/file",
            example,
        )
        return {}
    _need_driver(reader, "DATABASE_URL", "psycopg")
    return dict(environ.Env.db_url_config(url))


def direct_database(reader: Reader, database: Mapping[str, Any]) -> str:
    name = "DATABASE_DIRECT_URL"
    url = reader.text(name)
    if url and not is_url(url, ("postgres", "postgresql")):
        reader.wrong(
            name, "is no PostgreSQL URL with a host", "postgres://user:password@host:5432/name"
        )
    elif url and "sqlite" in database.get("ENGINE", ""):
        reader.wrong(name, "is set, but DATABASE_URL names no PostgreSQL", "")
    return url


def _sqlite(reader: Reader, url: str, base_dir: Path) -> dict[str, Any]:
    name = str(environ.Env.db_url_config(url)["NAME"])
    if not name or name == ":memory:":
        reader.wrong(
            "DATABASE_URL",
            "names no file, and a database in memory cannot be shared by web server and workers",
            "sqlite:///data/practice.sqlite3",
        )
        return {}
    # django-environ leaves a relative path relative to wherever the command was typed.
    return {"ENGINE": "operations.sqlite", "NAME": str(base_dir / name)}


def redis(reader: Reader) -> str:
    url = reader.text("REDIS_URL")
    if url and not is_url(url, ("redis", "rediss")):
        reader.wrong("REDIS_URL", "is not a redis:// URL with a host", "redis://127.0.0.1:6379/0")
    if url:
        _need_driver(reader, "REDIS_URL", "redis")
    return url


def _need_driver(reader: Reader, name: str, module: str) -> None:
    if importlib.util.find_spec(module) is None:
        reader.refuse(
            f"{name} is set, but its driver is not installed. "
            "Run: pip install --require-hashes -r requirements/scale.txt"
        )


def useful_workers(database: Mapping[str, Any]) -> int:
    """One per core; on SQLite, which lets one write at a time, a second one only gets in the way
    (docs/decisions/0011-one-worker-on-sqlite.md)."""
    if "sqlite" in database.get("ENGINE", ""):
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def email(reader: Reader) -> dict[str, Any]:
    url = reader.text("EMAIL_URL", default="consolemail://")
    if url.partition(":")[0] not in environ.Env.EMAIL_SCHEMES:
        reader.wrong("EMAIL_URL", "has an unknown scheme", "smtp+tls://user:password@host:587")
        return {}
    return dict(environ.Env.email_url_config(url))


def webhook(reader: Reader) -> str:
    url = reader.text("ALERT_WEBHOOK_URL")
    if url and not is_url(url, ("http", "https")):
        reader.wrong(
            "ALERT_WEBHOOK_URL", "is not an http or https URL", "https://hooks.example.org/ops"
        )
    return url


def collector(reader: Reader) -> str:
    name = "OTEL_EXPORTER_OTLP_ENDPOINT"
    url = reader.text(name)
    if url and not is_url(url, ("http", "https")):
        reader.wrong(name, "is not an http or https URL", "http://127.0.0.1:4318")
    return url


def sentry(reader: Reader) -> str:
    dsn = reader.text("SENTRY_DSN")
    if dsn and not (is_url(dsn, ("http", "https")) and _names_project(dsn)):
        reader.wrong(
            "SENTRY_DSN", "is no DSN with a key and a project", "https://key@sentry.example.org/1"
        )
    return dsn


def _names_project(dsn: str) -> bool:
    parts = urlsplit(dsn)
    return bool(parts.username) and parts.path.rpartition("/")[2].isdecimal()

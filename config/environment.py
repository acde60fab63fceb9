"""What the environment may say, and what is told to a person who said it wrongly.

`read` knows every variable, its type, its default and its limits; `config.settings` only copies
the result. All mistakes are collected, so that one start shows all of them. A value is never
repeated in a message: it may be a secret in the wrong place.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet

from config import local
from config.reader import Reader, is_url
from operations.credentials import base_url_fault, key_fault
from operations.error_vocabulary import read_vocabulary
from operations.simulated_faults import parse_faults

MIN_SECRET_KEY_LENGTH = 32
"""It signs sessions: 32 random letters hold more than 128 bits."""
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

# Small, current, with a price in genai-prices and no announced shutdown (OpenAI's deprecations page
# names it as the replacement of gpt-4o-mini and gpt-4.1-mini, which end on 2027-01-14).
DEFAULT_MODEL = "gpt-6-luna"


@dataclass(frozen=True)
class Environment:
    """Every variable, typed. A field's name in capitals is the variable's name."""

    django_debug: bool
    django_secret_key: str
    field_encryption_key: tuple[str, ...]
    django_allowed_hosts: tuple[str, ...]
    django_csrf_trusted_origins: tuple[str, ...]
    trusted_proxy_count: int
    bind: str
    port: int
    database_url: dict[str, Any]
    redis_url: str
    openai_api_key: str
    openai_base_url: str
    openai_model: str
    openai_timeout_seconds: float
    operations_max_retries: int
    operations_backoff_base_seconds: float
    operations_deadline_seconds: float
    operations_concurrency: int
    operations_workers: int
    operations_lease_seconds: float
    operations_expire_seconds: float
    operations_defer_rate_limited: bool
    operations_shutdown_grace_seconds: float
    operations_error_vocabulary: str
    simulated_provider: bool
    simulated_latency_seconds: float
    simulated_faults: str
    log_level: str
    log_format: str
    api_throttles: bool
    registration_open: bool
    max_unfinished_operations_per_user: int
    email_url: dict[str, Any]
    admins: tuple[str, ...]
    alert_webhook_url: str


VARIABLES = tuple(field.name.upper() for field in fields(Environment))


def read(variables: Mapping[str, str], *, base_dir: Path, terminal: bool) -> Environment:
    """Check all variables; raises BadEnvironment naming each one that is missing or wrong."""
    reader = Reader(variables)
    debug = reader.boolean("DJANGO_DEBUG", default=False)
    database = _database(reader, base_dir)
    environment = Environment(
        django_debug=debug,
        django_secret_key=_secret_key(reader, debug=debug, base_dir=base_dir),
        field_encryption_key=_encryption_keys(reader, debug=debug, base_dir=base_dir),
        django_allowed_hosts=reader.words(
            "DJANGO_ALLOWED_HOSTS", default=("localhost", "127.0.0.1", "[::1]")
        ),
        django_csrf_trusted_origins=_origins(reader, "DJANGO_CSRF_TRUSTED_ORIGINS"),
        trusted_proxy_count=reader.integer("TRUSTED_PROXY_COUNT", default=0, least=0, most=10),
        bind=_bind(reader),
        port=reader.integer("PORT", default=8000, least=1, most=65535),
        database_url=database,
        redis_url=_redis(reader),
        openai_api_key=_api_key(reader),
        openai_base_url=_provider_url(reader),
        openai_model=reader.text("OPENAI_MODEL", default=DEFAULT_MODEL, longest=100),
        openai_timeout_seconds=reader.number("OPENAI_TIMEOUT_SECONDS", default=30, above=0),
        operations_max_retries=reader.integer("OPERATIONS_MAX_RETRIES", default=3, least=0, most=3),
        operations_backoff_base_seconds=reader.number(
            "OPERATIONS_BACKOFF_BASE_SECONDS", default=1, above=0
        ),
        operations_deadline_seconds=reader.number(
            "OPERATIONS_DEADLINE_SECONDS", default=200, above=0
        ),
        operations_concurrency=reader.integer(
            "OPERATIONS_CONCURRENCY", default=200, least=1, most=2000
        ),
        operations_workers=reader.integer(
            "OPERATIONS_WORKERS", default=_useful_workers(database), least=1, most=128
        ),
        operations_lease_seconds=reader.number("OPERATIONS_LEASE_SECONDS", default=30, least=1),
        operations_expire_seconds=reader.number(
            "OPERATIONS_EXPIRE_SECONDS", default=604_800, above=0
        ),
        operations_defer_rate_limited=reader.boolean(
            "OPERATIONS_DEFER_RATE_LIMITED", default=False
        ),
        operations_shutdown_grace_seconds=reader.number(
            "OPERATIONS_SHUTDOWN_GRACE_SECONDS", default=25, above=0
        ),
        operations_error_vocabulary=_vocabulary(reader),
        simulated_provider=reader.boolean("SIMULATED_PROVIDER", default=debug),
        simulated_latency_seconds=reader.number("SIMULATED_LATENCY_SECONDS", default=0.8, least=0),
        simulated_faults=_faults(reader),
        log_level=reader.choice("LOG_LEVEL", LOG_LEVELS, default="INFO"),
        log_format=reader.choice(
            "LOG_FORMAT", ("console", "json"), default="console" if terminal else "json"
        ),
        api_throttles=reader.boolean("API_THROTTLES", default=True),
        registration_open=reader.boolean("REGISTRATION_OPEN", default=debug),
        max_unfinished_operations_per_user=reader.integer(
            "MAX_UNFINISHED_OPERATIONS_PER_USER", default=50, least=1, most=100_000
        ),
        email_url=_email(reader),
        admins=reader.words("ADMINS", default=()),
        alert_webhook_url=_webhook(reader),
        # The file itself is read, and refused, by `operations.checks`.
    )
    reader.refuse_if_wrong()
    return environment


def _useful_workers(database: Mapping[str, Any]) -> int:
    """One per core; on SQLite, which lets one write at a time, a second one only gets in the way
    (docs/decisions/0011-one-worker-on-sqlite.md)."""
    if "sqlite" in database.get("ENGINE", ""):
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _secret_key(reader: Reader, *, debug: bool, base_dir: Path) -> str:
    how = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
    value = reader.text("DJANGO_SECRET_KEY")
    if not value and debug:
        return local.secret_key(local.local_directory(base_dir))
    if not value:
        reader.missing("DJANGO_SECRET_KEY", f"Make one with: {how}.")
    elif not debug and len(value) < MIN_SECRET_KEY_LENGTH:
        reader.wrong(
            "DJANGO_SECRET_KEY",
            f"is shorter than {MIN_SECRET_KEY_LENGTH} characters and could be guessed",
            f"$({how})",
        )
    return value


def _encryption_keys(reader: Reader, *, debug: bool, base_dir: Path) -> tuple[str, ...]:
    """The first key encrypts, all of them decrypt: a new one goes in front to rotate."""
    how = "python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
    keys = reader.words("FIELD_ENCRYPTION_KEY", default=())
    if not keys and debug:
        return (local.field_encryption_key(local.local_directory(base_dir)),)
    if not keys:
        reader.missing("FIELD_ENCRYPTION_KEY", f"Make one with: {how}.")
    if not all(map(_is_fernet_key, keys)):
        reader.wrong(
            "FIELD_ENCRYPTION_KEY",
            "holds something that is not 32 bytes in URL-safe base64",
            f"$({how})",
        )
    return keys


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def _bind(reader: Reader) -> str:
    address = reader.text("BIND", default="127.0.0.1")
    if address == "localhost":
        return "127.0.0.1"
    try:
        ipaddress.ip_address(address)
    except ValueError:
        reader.wrong("BIND", "is not an IP address", "0.0.0.0")  # noqa: S104  (an example)
    return address


def _origins(reader: Reader, name: str) -> tuple[str, ...]:
    origins = reader.words(name, default=())
    if not all(is_url(origin, ("http", "https")) for origin in origins):
        reader.wrong(name, "holds an origin without scheme or host", "https://coach.example.org")
    return origins


def _database(reader: Reader, base_dir: Path) -> dict[str, Any]:
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


def _redis(reader: Reader) -> str:
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


def _api_key(reader: Reader) -> str:
    key = reader.text("OPENAI_API_KEY")
    fault = key and key_fault(key)
    if fault:
        reader.wrong("OPENAI_API_KEY", f"cannot be sent: {fault}", "sk-…")
    return key


def _provider_url(reader: Reader) -> str:
    url = reader.text("OPENAI_BASE_URL")
    fault = url and base_url_fault(url)
    if fault:
        reader.wrong("OPENAI_BASE_URL", f"cannot be used: {fault}", "http://127.0.0.1:11434/v1")
    return url


def _faults(reader: Reader) -> str:
    faults = reader.text("SIMULATED_FAULTS")
    try:
        parse_faults(faults)
    except ValueError as fault:
        reader.wrong("SIMULATED_FAULTS", f"cannot be used: {fault}", "network:0.1,rate_limit:0.05")
    return faults


def _vocabulary(reader: Reader) -> str:
    path = reader.text("OPERATIONS_ERROR_VOCABULARY")
    try:
        if path:
            read_vocabulary(Path(path))
    except (OSError, ValueError):
        reader.wrong(
            "OPERATIONS_ERROR_VOCABULARY",
            'names no JSON file of the form {"provider_code": "ERROR_CODE"}',
            "/etc/practice/vocabulary.json",
        )
    return path


def _email(reader: Reader) -> dict[str, Any]:
    url = reader.text("EMAIL_URL", default="consolemail://")
    if url.partition(":")[0] not in environ.Env.EMAIL_SCHEMES:
        reader.wrong("EMAIL_URL", "has an unknown scheme", "smtp+tls://user:password@host:587")
        return {}
    return dict(environ.Env.email_url_config(url))


def _webhook(reader: Reader) -> str:
    url = reader.text("ALERT_WEBHOOK_URL")
    if url and not is_url(url, ("http", "https")):
        reader.wrong(
            "ALERT_WEBHOOK_URL", "is not an http or https URL", "https://hooks.example.org/ops"
        )
    return url

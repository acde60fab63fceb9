"""What the environment may say, and what is told to a person who said it wrongly.

`read` knows every variable, its type, its default and its limits; `config.settings` only copies
the result. All mistakes are collected, so that one start shows all of them. A value is never
repeated in a message: it may be a secret in the wrong place.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from config import local, places
from config.reader import Reader, is_url
from config.unknown_variables import unknown
from operations.credentials import base_url_fault, is_internal, key_fault
from operations.errors.operator_vocabulary import read_vocabulary
from operations.errors.simulated_faults import parse_faults

MIN_SECRET_KEY_LENGTH = 32
"""It signs sessions: 32 random letters hold more than 128 bits."""
MIN_SECRET_KEY_CHARACTERS = 5
"""Different ones, as Django's check security.W009 asks: a held-down key is long as well."""
MIN_TOKEN_LENGTH = 16
LONGEST_BASE_URL = 200
"""What `OwnKey` keeps."""
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
    cors_allowed_origins: tuple[str, ...]
    bind: str
    port: int
    database_url: dict[str, Any]
    database_direct_url: str
    redis_url: str
    openai_api_key: str
    openai_base_url: str
    openai_model: str
    openai_timeout_seconds: float
    openai_structured_output: str
    openai_max_output_tokens: int
    openai_reasoning_effort: str
    own_key_base_urls: tuple[str, ...]
    operations_max_retries: int
    operations_backoff_base_seconds: float
    operations_deadline_seconds: float
    operations_concurrency: int
    operations_workers: int
    operations_lease_seconds: float
    operations_expire_seconds: float
    operations_defer_rate_limited: bool
    operations_shutdown_grace_seconds: float
    web_drain_seconds: float
    operations_error_vocabulary: str
    simulated_provider: bool
    simulated_latency_seconds: float
    simulated_faults: str
    log_level: str
    log_format: str
    api_throttles: bool
    registration_open: bool
    try_without_account: bool
    max_unfinished_operations_per_user: int
    email_url: dict[str, Any]
    email_from: str
    admins: tuple[str, ...]
    alert_webhook_url: str
    retention_days: int
    budget_usd_per_month: float
    budget_usd_per_user_month: float
    alert_webhook_format: str
    metrics_token: str
    otel_exporter_otlp_endpoint: str
    sentry_dsn: str


VARIABLES = tuple(field.name.upper() for field in fields(Environment))


def read(variables: Mapping[str, str], *, base_dir: Path, terminal: bool) -> Environment:
    """Check all variables; raises BadEnvironment naming each one that is missing or wrong."""
    reader = Reader(variables)
    debug = reader.boolean("DJANGO_DEBUG", default=False)
    database = places.database(reader, base_dir)
    deadline = reader.number("OPERATIONS_DEADLINE_SECONDS", default=200, above=0)
    grace = reader.number("OPERATIONS_SHUTDOWN_GRACE_SECONDS", default=25, above=0)
    environment = Environment(
        django_debug=debug,
        django_secret_key=_secret_key(reader, debug=debug, base_dir=base_dir),
        field_encryption_key=_encryption_keys(reader, debug=debug, base_dir=base_dir),
        django_allowed_hosts=reader.words(
            "DJANGO_ALLOWED_HOSTS", default=("localhost", "127.0.0.1", "[::1]")
        ),
        django_csrf_trusted_origins=_origins(reader, "DJANGO_CSRF_TRUSTED_ORIGINS"),
        trusted_proxy_count=reader.integer("TRUSTED_PROXY_COUNT", default=0, least=0, most=10),
        cors_allowed_origins=_bare_origins(reader, "CORS_ALLOWED_ORIGINS"),
        bind=_bind(reader),
        port=reader.integer("PORT", default=8000, least=1, most=65535),
        database_url=database,
        database_direct_url=places.direct_database(reader, database),
        redis_url=places.redis(reader),
        openai_api_key=_api_key(reader),
        openai_base_url=_provider_url(reader),
        openai_model=reader.text("OPENAI_MODEL", default=DEFAULT_MODEL, longest=100),
        openai_timeout_seconds=_timeout(reader, deadline=deadline),
        openai_structured_output=reader.choice(
            "OPENAI_STRUCTURED_OUTPUT",
            (
                "auto",
                "json_schema",
                "json_schema_simple",
                "json_object_schema",
                "json_object",
                "prompt",
            ),
            default="auto",
        ),
        openai_max_output_tokens=reader.integer(
            "OPENAI_MAX_OUTPUT_TOKENS", default=0, least=0, most=1_000_000
        ),
        openai_reasoning_effort=reader.text("OPENAI_REASONING_EFFORT", longest=20),
        own_key_base_urls=_own_key_addresses(reader),
        operations_max_retries=reader.integer("OPERATIONS_MAX_RETRIES", default=3, least=0, most=3),
        operations_backoff_base_seconds=reader.number(
            "OPERATIONS_BACKOFF_BASE_SECONDS", default=1, above=0
        ),
        operations_deadline_seconds=deadline,
        operations_concurrency=reader.integer(
            "OPERATIONS_CONCURRENCY", default=200, least=1, most=2000
        ),
        operations_workers=reader.integer(
            "OPERATIONS_WORKERS", default=places.useful_workers(database), least=1, most=128
        ),
        operations_lease_seconds=reader.number("OPERATIONS_LEASE_SECONDS", default=30, least=1),
        operations_expire_seconds=reader.number(
            "OPERATIONS_EXPIRE_SECONDS", default=604_800, above=0
        ),
        operations_defer_rate_limited=reader.boolean(
            "OPERATIONS_DEFER_RATE_LIMITED", default=False
        ),
        operations_shutdown_grace_seconds=grace,
        web_drain_seconds=_drain(reader, grace=grace, debug=debug),
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
        try_without_account=reader.boolean("TRY_WITHOUT_ACCOUNT", default=debug),
        max_unfinished_operations_per_user=reader.integer(
            "MAX_UNFINISHED_OPERATIONS_PER_USER", default=50, least=1, most=100_000
        ),
        email_url=places.email(reader),
        email_from=_sender(reader),
        admins=_admins(reader),
        alert_webhook_url=places.webhook(reader),
        retention_days=reader.integer("RETENTION_DAYS", default=0, least=0, most=36_500),
        budget_usd_per_month=_budget(reader, "BUDGET_USD_PER_MONTH", "50"),
        budget_usd_per_user_month=_budget(reader, "BUDGET_USD_PER_USER_MONTH", "2.50"),
        alert_webhook_format=reader.choice(
            "ALERT_WEBHOOK_FORMAT", ("auto", "generic", "slack"), default="auto"
        ),
        metrics_token=_metrics_token(reader),
        otel_exporter_otlp_endpoint=places.collector(reader),
        sentry_dsn=places.sentry(reader),
        # The file itself is read, and refused, by `operations.checks`.
    )
    for sentence in unknown(variables, known=VARIABLES):
        reader.refuse(sentence)
    reader.refuse_if_wrong()
    return environment


def _secret_key(reader: Reader, *, debug: bool, base_dir: Path) -> str:
    how = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
    value = reader.text("DJANGO_SECRET_KEY")
    if not value and debug:
        return local.secret_key(local.local_directory(base_dir))
    if not value:
        reader.missing("DJANGO_SECRET_KEY", f"Make one with: {how}.")
    elif not debug and (weakness := _weakness(value)):
        reader.wrong("DJANGO_SECRET_KEY", f"{weakness} and could be guessed", f"$({how})")
    return value


def _weakness(secret: str) -> str:
    if len(secret) < MIN_SECRET_KEY_LENGTH:
        return f"is shorter than {MIN_SECRET_KEY_LENGTH} characters"
    if len(set(secret)) < MIN_SECRET_KEY_CHARACTERS:
        return f"has fewer than {MIN_SECRET_KEY_CHARACTERS} different characters"
    return ""


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


def _bare_origins(reader: Reader, name: str) -> tuple[str, ...]:
    """As a browser sends them: nothing after host and port, and no pattern."""
    origins = _origins(reader, name)
    if any(urlsplit(origin).path or "*" in origin for origin in origins):
        reader.wrong(name, "holds an origin with a path or a pattern", "https://app.example.org")
    return origins


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


def _own_key_addresses(reader: Reader) -> tuple[str, ...]:
    """Whoever saves a key chooses among these, and only among these."""
    name = "OWN_KEY_BASE_URLS"
    urls = tuple(url.rstrip("/") for url in reader.words(name, default=()))
    what = ""
    if any(base_url_fault(url) or len(url) > LONGEST_BASE_URL for url in urls):
        what = "holds something that is no base URL"
    elif not all(url.startswith("https://") for url in urls):
        what = "holds an address without TLS: people's keys would travel in clear"
    elif any(map(is_internal, urls)):
        what = "holds an address of this machine or an internal network"
    if what:
        reader.wrong(name, what, "https://api.openai.com/v1,https://openrouter.ai/api/v1")
    return urls


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
            'names no JSON file of the form {"provider_code": "ERROR_CODE", "messages": {…}}',
            "/etc/practice/vocabulary.json",
        )
    return path


def _sender(reader: Reader) -> str:
    sender = reader.text("EMAIL_FROM", default="interview-practice@localhost", longest=254)
    if parseaddr(sender)[1].count("@") != 1 or not sender.isprintable():
        reader.wrong("EMAIL_FROM", "is no e-mail address", "practice@example.org")
    return sender


def _timeout(reader: Reader, *, deadline: float) -> float:
    """Of one call: longer than the whole run it would never come to pass."""
    name = "OPENAI_TIMEOUT_SECONDS"
    seconds = reader.number(name, default=min(30, deadline), above=0)
    if seconds > deadline:
        what = (
            f"is above OPERATIONS_DEADLINE_SECONDS ({deadline:g}), the time of all calls together"
        )
        reader.wrong(name, what, f"{min(30, deadline):g}")
    return seconds


def _budget(reader: Reader, name: str, example: str) -> float:
    """0: none is set. A budget of 0 is refused: some would mean "nothing", others "no limit"."""
    value = reader.text(name)
    if not value:
        return 0
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value) and float(value) > 0:
        return float(value)
    reader.wrong(name, "is not an amount of US dollars above 0", example)
    return 0


def _drain(reader: Reader, *, grace: float, debug: bool) -> float:
    """A part of the grace: what is under way at its end needs the rest."""
    name = "WEB_DRAIN_SECONDS"
    default = 0 if debug else min(5, grace / 2)
    seconds = reader.number(name, default=default, least=0)
    if seconds >= grace:
        what = f"leaves nothing of OPERATIONS_SHUTDOWN_GRACE_SECONDS ({grace:g})"
        reader.wrong(name, what, f"{default:g}")
    return seconds


def _metrics_token(reader: Reader) -> str:
    token = reader.text("METRICS_TOKEN", longest=200)
    if token and (len(token) < MIN_TOKEN_LENGTH or not re.fullmatch(r"[!-~]+", token)):
        how = "$(python3 -c 'import secrets; print(secrets.token_urlsafe(32))')"
        reader.wrong("METRICS_TOKEN", "is short, or holds more than letters and marks", how)
    return token


def _admins(reader: Reader) -> tuple[str, ...]:
    addresses = reader.words("ADMINS", default=())
    try:
        for address in addresses:
            validate_email(address)
    except ValidationError:
        reader.wrong("ADMINS", "holds something that is no mail address", "operator@example.org")
    return addresses

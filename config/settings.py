"""All settings. What may differ between installations comes from `config.environment`."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from django.utils.translation import gettext_lazy as _

from config import VERSION as VERSION
from config import development, environment
from config.logging import configure_structlog, logging_configuration
from config.reader import BadEnvironment
from operations import broker

BASE_DIR = Path(__file__).resolve().parent.parent

TERMINAL = sys.stderr.isatty()

# Never overwrites: the process environment wins over the file.
environ.Env.read_env(BASE_DIR / os.environ.get("ENV_FILE", ".env"))
development.recall(os.environ, base_dir=BASE_DIR, argv=sys.argv)
try:
    env = environment.read(os.environ, base_dir=BASE_DIR, terminal=TERMINAL)
except BadEnvironment as refusal:
    print(refusal, file=sys.stderr)
    raise SystemExit(2) from None

DEBUG = env.django_debug
SECRET_KEY = env.django_secret_key
FIELD_ENCRYPTION_KEY = env.field_encryption_key
ALLOWED_HOSTS = list(env.django_allowed_hosts)
CORS_ALLOWED_ORIGINS = list(env.cors_allowed_origins)
CSRF_TRUSTED_ORIGINS = list(env.django_csrf_trusted_origins)
TRUSTED_PROXY_COUNT = env.trusted_proxy_count
BIND = env.bind
PORT = env.port

# --- The AI calls -------------------------------------------------------------------------------
OPENAI_API_KEY = env.openai_api_key
OPENAI_BASE_URL = env.openai_base_url
OPENAI_MODEL = env.openai_model
OPENAI_TIMEOUT_SECONDS = env.openai_timeout_seconds
OPENAI_STRUCTURED_OUTPUT = env.openai_structured_output
OPENAI_MAX_OUTPUT_TOKENS = env.openai_max_output_tokens
OPENAI_REASONING_EFFORT = env.openai_reasoning_effort
OWN_KEY_BASE_URLS = env.own_key_base_urls
OPERATIONS_MAX_RETRIES = env.operations_max_retries
OPERATIONS_BACKOFF_BASE_SECONDS = env.operations_backoff_base_seconds
OPERATIONS_DEADLINE_SECONDS = env.operations_deadline_seconds
OPERATIONS_CONCURRENCY = env.operations_concurrency
OPERATIONS_WORKERS = env.operations_workers
OPERATIONS_LEASE_SECONDS = env.operations_lease_seconds
OPERATIONS_EXPIRE_SECONDS = env.operations_expire_seconds
OPERATIONS_DEFER_RATE_LIMITED = env.operations_defer_rate_limited
OPERATIONS_SHUTDOWN_GRACE_SECONDS = env.operations_shutdown_grace_seconds
WEB_DRAIN_SECONDS = env.web_drain_seconds
OPERATIONS_ERROR_VOCABULARY = env.operations_error_vocabulary
SIMULATED_PROVIDER = env.simulated_provider
SIMULATED_LATENCY_SECONDS = env.simulated_latency_seconds
SIMULATED_FAULTS = env.simulated_faults
MAX_UNFINISHED_OPERATIONS_PER_USER = env.max_unfinished_operations_per_user
REGISTRATION_OPEN = env.registration_open
TRY_WITHOUT_ACCOUNT = env.try_without_account
API_THROTTLES = env.api_throttles
RETENTION_DAYS = env.retention_days
BUDGET_USD_PER_MONTH = env.budget_usd_per_month
BUDGET_USD_PER_USER_MONTH = env.budget_usd_per_user_month

# --- Application --------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_q",
    "django_structlog",
    "rest_framework",
    "knox",
    "corsheaders",
    "django_filters",
    "drf_spectacular",
    "config",
    "operations",
    "interview_app",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.request_spans.RequestSpan",
    "config.middleware.SecurityHeaders",
    "corsheaders.middleware.CorsMiddleware",
    "config.unavailable.DatabaseTrouble",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "config.middleware.ForeignHost",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.RequestLog",
    "interview_app.middleware.OwnLanguage",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "interview_app.middleware.BodyLimit",
    "interview_app.sign_in.KnownDevice",
    "interview_app.middleware.TryLaterPage",
    "interview_app.middleware.AccountGone",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "interview_app.context_processors.installation",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "login"
CSRF_FAILURE_VIEW = "interview_app.views.typed.csrf_failure"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
PASSWORD_HASHERS = ["interview_app.hashing.OneAtATime"]
AUTHENTICATION_BACKENDS = ["interview_app.sign_in.LimitedSignIn"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [{"NAME": "interview_app.api.tokens.TokensEndWithPassword"}]
# The largest body that the API takes; files have their own, lower limit.
DATA_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024

# --- Database -----------------------------------------------------------------------------------
DATABASE: dict[str, Any] = {
    **env.database_url,
    # A request's transaction would roll back the row that records why the request failed.
    "ATOMIC_REQUESTS": False,
    # Seconds that a thread keeps its connection. To open one, to SQLite's file too, costs a request
    # about as much as all else that it does (docs/performance.md).
    "CONN_MAX_AGE": 60,
}
if DATABASE["ENGINE"] == "operations.sqlite":
    DATABASE["OPTIONS"] = {
        # A deferred transaction that reads and then writes gets "database is locked" at once: the
        # busy time-out does not apply to the upgrade of its lock.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000;"
        ),
    }
else:
    DATABASE["CONN_HEALTH_CHECKS"] = True
    # A pooler that hands each transaction to another connection loses the cursor in between.
    DATABASE["DISABLE_SERVER_SIDE_CURSORS"] = True
    # Both of the client's own, so that a pooler need not know them: a server that says nothing,
    # and a line that was cut without a word.
    patience = {"connect_timeout": 5, "tcp_user_timeout": 10_000}
    DATABASE["OPTIONS"] = patience | DATABASE.get("OPTIONS", {})
DATABASES = {"default": DATABASE}
DATABASE_DIRECT_URL = env.database_direct_url

REDIS_URL = env.redis_url
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": broker.SECONDS, "socket_connect_timeout": broker.SECONDS},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# --- django-q2: the bell, not the ledger --------------------------------------------------------
# One drain per worker; one worker more than drains, so that a short task never waits for a drain.
Q_WORKERS = OPERATIONS_WORKERS + 1
# A drain ends by itself after 600 s and the longest run: this time-out never fires in normal life.
Q_TIMEOUT_SECONDS = int(600 + OPERATIONS_DEADLINE_SECONDS + 60)
Q_CLUSTER: dict[str, Any] = {
    "name": "interview",
    # Asked for by name where a cluster reads a queue of its own, as ours do.
    "ALT_CLUSTERS": {},
    "workers": Q_WORKERS,
    "queue_limit": Q_WORKERS,
    "bulk": 1,
    "poll": 0.2,
    # Only 0.5 and 1 count down to exactly zero, which is when the guard ends a hung worker.
    "guard_cycle": 0.5,
    "timeout": Q_TIMEOUT_SECONDS,
    # A message's clock starts when it is fetched, not when it is run: twice the time-out, and more.
    "retry": 2 * Q_TIMEOUT_SECONDS + 120,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "catch_up": False,
    "recycle": 50,
    **({"redis": broker.cluster_url(REDIS_URL)} if REDIS_URL else {"orm": "default"}),
}

# --- API ----------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    # The first one gives a refusal its WWW-Authenticate header, and with it 401 instead of 403.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "interview_app.api.authentication.NotedTokens",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["operations.api.parsers.BoundedJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "operations.api.pagination.NewestFirst",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "EXCEPTION_HANDLER": "operations.api.problems.problem_handler",
    "DEFAULT_THROTTLE_CLASSES": ["operations.api.throttles.RequestLimit"],
    "DEFAULT_SCHEMA_CLASS": "operations.api.schema.ApiSchema",
    # `?format=` is the export's own.
    "URL_FORMAT_OVERRIDE": None,
}
# Which pages of other hosts may call it: CORS_ALLOWED_ORIGINS. With a token, never with a cookie.
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
CORS_ALLOW_HEADERS = [
    "accept-language",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-none-match",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = ["ETag", "Idempotent-Replayed", "Location", "Retry-After", "X-Request-ID"]
SPECTACULAR_SETTINGS = {
    "TITLE": "Interview practice",
    "VERSION": "1",
    "DESCRIPTION": "What the pages can do, for programs.",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    # What a person sends and what they get are two shapes, so that neither has to be optional.
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {"SeniorityEnum": "interview_app.models.Seniority"},
}
KNOX_TOKEN_MODEL = "knox.AuthToken"  # noqa: S105  (its default; migrations ask for it by name)
REST_KNOX = {
    "TOKEN_TTL": timedelta(days=30),
    "TOKEN_PREFIX": "ip_",
    "AUTH_HEADER_PREFIX": "Token",
}

# --- Languages and time -------------------------------------------------------------------------
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SECURE = not DEBUG

# --- Static files -------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static.ManifestOnceCollected"},
}
# Pages work before anybody ran `collectstatic`, with DEBUG off too.
WHITENOISE_USE_FINDERS = DEBUG or not (STATIC_ROOT / "staticfiles.json").exists()
WHITENOISE_AUTOREFRESH = DEBUG

# --- Security -----------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_SECURE = not DEBUG
SECURE_HSTS_SECONDS = 0 if DEBUG else 30 * 24 * 3600
if TRUSTED_PROXY_COUNT:
    # Only a proxy in front can end TLS and say that it did; without one a redirect goes nowhere.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = not DEBUG
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
# Sub-domains and the browsers' preload list are promises that only the domain's owner can make.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
DEFAULT_EXCEPTION_REPORTER_FILTER = "config.reports.AlwaysCareful"

# --- Logs and mail ------------------------------------------------------------------------------
LOGGING = logging_configuration(
    level=env.log_level,
    log_format=env.log_format,
    colors=TERMINAL and not os.environ.get("NO_COLOR"),
)
configure_structlog()
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = 10
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = 20

EMAIL_BACKEND: str = env.email_url["EMAIL_BACKEND"]
EMAIL_HOST: str = env.email_url.get("EMAIL_HOST") or "localhost"
EMAIL_PORT: int = env.email_url.get("EMAIL_PORT") or 25
EMAIL_HOST_USER: str = env.email_url.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD: str = env.email_url.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS: bool = env.email_url.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL: bool = env.email_url.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.email_from
PASSWORD_RESET_TIMEOUT = 3600
# On a production's console whoever reads the log could take over an account.
PASSWORD_RESET_BY_MAIL = DEBUG or not EMAIL_BACKEND.endswith("console.EmailBackend")
ADMINS = [(address, address) for address in env.admins]
ALERT_WEBHOOK_URL = env.alert_webhook_url
ALERT_WEBHOOK_FORMAT = env.alert_webhook_format
METRICS_TOKEN = env.metrics_token
OTEL_EXPORTER_OTLP_ENDPOINT = env.otel_exporter_otlp_endpoint
SENTRY_DSN = env.sentry_dsn

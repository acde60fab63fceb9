"""The settings of the suite: `config.settings` in an environment that the suite alone decides.

A developer's key, `.env` or database must never reach a test. Processes that a test starts inherit
this environment and may change it: only the first process clears it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from config.environment import VARIABLES

TEST_ENVIRONMENT = {
    "ENV_FILE": os.devnull,
    "DJANGO_SECRET_KEY": "the-test-suite-signs-its-sessions-with-this-and-nothing-else-does",
    "FIELD_ENCRYPTION_KEY": "dGhlLXRlc3Qtc3VpdGUtZW5jcnlwdHMtd2l0aC10aGk=",
    "DJANGO_ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
    "SIMULATED_PROVIDER": "true",
    "SIMULATED_LATENCY_SECONDS": "0",
    "OPERATIONS_BACKOFF_BASE_SECONDS": "0.05",
    "OPERATIONS_LEASE_SECONDS": "2",
    "OPERATIONS_WORKERS": "1",
    "REGISTRATION_OPEN": "true",
    "TRY_WITHOUT_ACCOUNT": "true",
    "API_THROTTLES": "false",
    "EMAIL_URL": "memorymail://",
    "LOG_FORMAT": "json",
}

if "INTERVIEW_PRACTICE_TESTS" not in os.environ:
    servers = {
        "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", ""),
        "REDIS_URL": os.environ.get("TEST_BROKER_URL", ""),
    }
    for name in VARIABLES:
        os.environ.pop(name, None)
    os.environ.update(TEST_ENVIRONMENT)
    os.environ["INTERVIEW_PRACTICE_TESTS"] = str(os.getpid())
    # A directory of this run's own: two runs at the same time must not share a database file.
    os.environ["TEST_DATABASE_FILE"] = str(
        Path(tempfile.mkdtemp(prefix="interview-practice-tests-")) / "test.sqlite3"
    )
    os.environ.update({name: url for name, url in servers.items() if url})

from config.settings import *  # noqa: E402, F403
from config.settings import DATABASES  # noqa: E402

# Every test client starts its own middleware: look files up when asked, not all of them each time.
WHITENOISE_AUTOREFRESH = True
# Test clients and browsers speak plain HTTP.
SESSION_COOKIE_SECURE = False
CSRF_COOKIE_SECURE = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if DATABASES["default"]["ENGINE"] == "operations.sqlite":
    # A file: the in-memory test database has no write-ahead log and locks other threads out.
    DATABASES["default"]["TEST"] = {"NAME": os.environ["TEST_DATABASE_FILE"]}

"""Of `lintmigrations`: TEST_DATABASE_URL says whose SQL it reads. It writes nothing there."""

from __future__ import annotations

from config.test_settings import *  # noqa: F403
from config.test_settings import INSTALLED_APPS as WHOLE
from config.test_settings import LOGGING as ALL_LOGS

INSTALLED_APPS = [*WHOLE, "django_migration_linter"]
LOGGING = {**ALL_LOGS, "loggers": {"django_migration_linter": {"level": "WARNING"}}}

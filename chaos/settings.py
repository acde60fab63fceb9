"""The product's own settings, the test kind, whose results can be counted, and talkative clusters:
what a forked process says when it begins is how a campaign knows its role."""

from __future__ import annotations

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, LOGGING

INSTALLED_APPS = [*INSTALLED_APPS, "operations.tests.judgement"]
LOGGING = {**LOGGING, "loggers": {**LOGGING["loggers"], "django-q": {"level": "INFO"}}}

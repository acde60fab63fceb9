"""Settings of the worker processes that tests start: the suite's, and the test kind."""

from config.test_settings import *  # noqa: F403
from config.test_settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "operations.tests.judgement"]

"""Production's settings, with a page and a kind of call that raise: what is told of it outside?"""

from __future__ import annotations

import os

from django.apps import AppConfig

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as WHOLE

ROOT_URLCONF = "config.tests.broken_urls"
INSTALLED_APPS = [*WHOLE, "config.tests.broken_settings.Broken"]

PRIVATE = "capybarasecret"
"""In the message and in a local variable of what is raised."""


class Broken(AppConfig):
    name = "config.tests"
    label = "broken"

    def ready(self) -> None:
        from operations.kinds import get_kind

        get_kind("feedback_analysis").parse = broken  # type: ignore[method-assign]


def broken(*_: object) -> None:
    private = f"{PRIVATE} {os.environ.get('OPENAI_API_KEY')}"
    raise ZeroDivisionError(private)

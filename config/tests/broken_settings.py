"""Production's settings, with a page and a kind of call that raise: what is told of it outside?"""

from __future__ import annotations

from typing import NoReturn

from django.apps import AppConfig

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as WHOLE

ROOT_URLCONF = "config.tests.broken_urls"
INSTALLED_APPS = [*WHOLE, "config.tests.broken_settings.Broken"]

PRIVATE, KEY = "capybarasecret", f"sk-proj-{'q' * 20}"
"""In the message and in a local variable of what is raised."""


class Broken(AppConfig):
    name = "config.tests"
    label = "broken"

    def ready(self) -> None:
        from operations.kinds import get_kind  # noqa: PLC0415  (as in every apps.py)

        get_kind("feedback_analysis").parse = broken  # type: ignore[assignment,method-assign]


def broken(*_: object) -> NoReturn:
    private = f"{PRIVATE} {KEY}"
    raise ZeroDivisionError(private)

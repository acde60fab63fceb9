"""A system check of what each variable may say, but not together."""

from __future__ import annotations

import ipaddress
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register


@register("config")
def check_exposure(**_: Any) -> list[CheckMessage]:
    sentence = exposure()
    if not sentence:
        return []
    hint = "Set BIND=127.0.0.1, or DJANGO_DEBUG=false and what production needs."
    return [Warning(sentence, hint=hint, id="config.W001")]


def exposure() -> str:
    """What other machines get of a development server, or ""."""
    if not settings.DEBUG or ipaddress.ip_address(settings.BIND).is_loopback:
        return ""
    return (
        f"DJANGO_DEBUG is on and BIND={settings.BIND} lets other machines in: whoever reaches this "
        "one can read source code, settings and what people sent on every page that fails."
    )

"""What every page says about this installation."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from operations.credentials import is_simulated


def installation(request: HttpRequest) -> dict[str, bool]:
    return {
        "simulated_provider": is_simulated(),
        "registration_open": settings.REGISTRATION_OPEN,
    }

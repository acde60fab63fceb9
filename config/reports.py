"""What Django's page about an error shows of the variables around it."""

from __future__ import annotations

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class AlwaysCareful(SafeExceptionReporterFilter):
    """Passwords and keys are hidden with DEBUG on as well: such pages are copied into reports."""

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

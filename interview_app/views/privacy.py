"""What of a person's words goes where."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from operations.credentials import installation_base_url
from operations.kinds import all_kinds
from operations.own_keys import host_of, own_key_of


@require_safe
def what_is_sent(request: HttpRequest) -> HttpResponse:
    own_key = own_key_of(request.user.pk)
    context = {
        "own_key": own_key,
        "own_host": host_of(own_key) if own_key else "",
        "host": urlsplit(installation_base_url()).hostname,
        "model": settings.OPENAI_MODEL,
        "kinds": [kind for kind in all_kinds() if kind.sends],
        "retention_days": settings.RETENTION_DAYS,
    }
    return render(request, "interview_app/privacy.html", context)

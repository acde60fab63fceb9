"""Which pages may ask for the microphone."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase


def with_dictation(page: HttpResponse) -> HttpResponse:
    page.with_dictation = True  # type: ignore[attr-defined]
    return page


def allows_dictation(response: HttpResponseBase) -> bool:
    return getattr(response, "with_dictation", False)

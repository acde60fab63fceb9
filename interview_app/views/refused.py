"""How a page tells a refusal: beside what the person typed, or as a message on the next page."""

from __future__ import annotations

from typing import TypeVar

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from operations.refusals import Refusal

AnyForm = TypeVar("AnyForm", bound=forms.Form)


def refuse_in_form(form: AnyForm, refusal: Refusal) -> AnyForm:
    form.add_error(None, ValidationError(str(refusal.message), code=refusal.code))
    return form


def refuse_page(page: HttpResponse, refusal: Refusal) -> HttpResponse:
    """The page with the refusal's status, and Retry-After where waiting helps."""
    page.status_code = refusal.status_code
    if refusal.retry_after_seconds is not None:
        page.headers["Retry-After"] = str(refusal.retry_after_seconds)
    return page


def refuse_in_message(request: HttpRequest, refusal: Refusal) -> None:
    messages.error(request, str(refusal.message))

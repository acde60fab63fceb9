"""What stands around every view: whose language it speaks, too large a body, and too much at
once."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation

from interview_app.accounts import chosen_language
from operations.database import trouble
from operations.database.trouble import is_trouble
from operations.queries import is_of_deleted_account
from operations.refusals import Refusal

API_PREFIX = "/api/"


class BodyLimit:
    """413 with a page that says what to do, before anything reads the body: Django itself would
    answer a bare 400, and only after it read the form. The API has a problem document of its own.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(API_PREFIX) or not _is_too_large(request):
            return self.get_response(request)
        return render(request, "413.html", status=413)


def _is_too_large(request: HttpRequest) -> bool:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return length.isdecimal() and int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class OwnLanguage:
    """What a person chose counts before what the browser says, of which `LocaleMiddleware` has
    read its cookie and its header."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if language := _language_of_person(request):
            translation.activate(language)
            request.LANGUAGE_CODE = language
        return self.get_response(request)


def _language_of_person(request: HttpRequest) -> str:
    # Without the cookie nobody is signed in, and no answer varies by it.
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return ""
    try:
        return chosen_language(request.user)
    except DatabaseError as error:
        # A language alone must not fail what can be answered without a database.
        if not is_trouble(error):
            raise
        trouble.leave_connection()
        return ""


class AccountGone:
    """Who was deleted while their request was on its way is asked to sign in, instead of being told
    that a row could not be written. The API has a problem document of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not is_of_deleted_account(exception, request.user):
            return None
        logout(request)
        return redirect("login")


class TryLaterPage:
    """429 or 503 with a page that says when, wherever a page (sign-up, the admin's sign-in) has
    none of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refusal) or exception.retry_after_seconds is None:
            return None
        page = render(request, "429.html", {"refusal": exception}, status=exception.status_code)
        page.headers["Retry-After"] = str(exception.retry_after_seconds)
        return page

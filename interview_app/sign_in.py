"""Signing in with a password, at every door: guesses are counted before the password is hashed.

An authentication backend, because page, admin and API all come through it. Strangers share what may
be tried on one account; a device or an address from which its owner has signed in before does not
take part in that, so that nobody can lock a person out of their own computer.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse

from interview_app import hashing
from interview_app.refusals import HashingBusy
from operations import limits
from operations.limits.address import address_of
from operations.limits.rules import (
    KNOWN,
    SIGN_IN,
    SIGN_IN_ACCOUNT,
    SIGN_IN_ADDRESS,
    SIGN_IN_ALL,
    of_name,
)

DEVICE_COOKIE = "known_device"
KNOWN_FOR_SECONDS = 180 * 24 * 3600
DEVICE_BYTES = 16
LONGEST_DEVICE = 64


class LimitedSignIn(ModelBackend):
    """Django's own, behind the limits of `operations.limits`. Raises `TooOften`, `HashingBusy`."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **credentials: Any,
    ) -> User | None:
        if request is None or username is None:
            return super().authenticate(request, username, password, **credentials)
        hashing.refuse_if_busy()
        guess = _Guess(request, User.normalize_username(username))
        guess.count()
        try:
            user = super().authenticate(request, username, password, **credentials)
        except HashingBusy:
            guess.take_back()
            raise
        if user is not None:
            guess.take_back()
            guess.remember_where()
        return user

    def get_user(self, user_id: int) -> User | None:
        """With what they chose for the pages, in the same query: every page asks for it."""
        people = User.objects.select_related("preferences")
        person = people.filter(pk=user_id).first()
        return person if person and self.user_can_authenticate(person) else None


@dataclass
class _Guess:
    request: HttpRequest
    username: str

    def count(self) -> None:
        limits.reserve(self._bucket(SIGN_IN_ALL, self._place), *self._counted_if_wrong)

    def take_back(self) -> None:
        limits.give_back(*self._counted_if_wrong)

    @property
    def _counted_if_wrong(self) -> list[limits.Bucket]:
        here = self._bucket(SIGN_IN, self._place)
        if self._known_place:
            return [here]
        return [
            limits.bucket(SIGN_IN_ADDRESS, address=self._place),
            here,
            limits.bucket(SIGN_IN_ACCOUNT, account=of_name(self.username)),
        ]

    @functools.cached_property
    def _place(self) -> str:
        return self._known_place or address_of(self.request)

    @functools.cached_property
    def _known_place(self) -> str:
        """The device before the address: it is not shared with whoever guesses beside it, and its
        owner may carry it anywhere."""
        for place in filter(None, (self._device(), address_of(self.request))):
            if limits.is_remembered(self._bucket(KNOWN, place)):
                return place
        return ""

    def remember_where(self) -> None:
        """The cookie follows by `KnownDevice`."""
        cookie = self._cookie() or secrets.token_urlsafe(DEVICE_BYTES)
        self.request.known_device = cookie  # type: ignore[attr-defined]
        places = (f"device {cookie}", address_of(self.request))
        marks = [self._bucket(KNOWN, place) for place in places]
        limits.remember(*marks, seconds=KNOWN_FOR_SECONDS)

    def _bucket(self, rule: limits.Rule, place: str) -> limits.Bucket:
        return limits.bucket(rule, account=of_name(self.username), address=place)

    def _device(self) -> str:
        return f"device {self._cookie()}" if self._cookie() else ""

    def _cookie(self) -> str:
        cookie = self.request.COOKIES.get(DEVICE_COOKIE, "")
        return cookie if len(cookie) <= LONGEST_DEVICE else ""


class KnownDevice:
    """Lets the browser keep what it is known by once somebody has signed in with it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if device := getattr(request, "known_device", ""):
            response.set_cookie(
                DEVICE_COOKIE,
                device,
                max_age=KNOWN_FOR_SECONDS,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response

"""What all views of the API have in common."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request

from operations.api.problems import BodyTooLarge

API = "api"
"""The door's name in the events."""


class ApiView(GenericAPIView[Any]):
    @property
    def person(self) -> User:
        """Who is signed in: the permission lets nobody else in."""
        return cast(User, self.request.user)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        _refuse_large_body(request)

    def get_authenticate_header(self, request: Request) -> str:
        # Views that nobody needs to be signed in for have no authenticators to ask.
        return super().get_authenticate_header(request) or "Token"


def _refuse_large_body(request: Request) -> None:
    # Before anything is read, and files too, which Django's own limit leaves out.
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise BodyTooLarge

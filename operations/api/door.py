"""What all views of the API have in common."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from operations.api.problems import BodyTooLarge, LengthRequired


class ApiView(GenericAPIView[Any]):
    @property
    def person(self) -> User:
        """Who is signed in: the permission lets nobody else in."""
        return cast(User, self.request.user)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        _refuse_body_of_unknown_length(request)
        _refuse_large_body(request)
        self._refuse_other_media_types(request)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        # Tokens and personal texts: no cache keeps them unless a view says how.
        final.headers.setdefault("Cache-Control", "no-store")
        return final

    def options(  # type: ignore[override]
        self, request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        return Response(status=204)  # with the Allow header of every answer

    def get_authenticate_header(self, request: Request) -> str:
        # Views that nobody needs to be signed in for have no authenticators to ask.
        return super().get_authenticate_header(request) or "Token"

    def _refuse_other_media_types(self, request: Request) -> None:
        # The framework takes a form whose CSRF token was looked for as an empty body.
        parser = self.get_content_negotiator().select_parser(request, self.get_parsers())
        if _body_length(request) and parser is None:
            raise UnsupportedMediaType(request.content_type)


def _refuse_body_of_unknown_length(request: Request) -> None:
    # A WSGI request without a length counts as empty: its content would be dropped silently.
    if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
        raise LengthRequired


def _refuse_large_body(request: Request) -> None:
    # Before anything is read, and files too, which Django's own limit leaves out.
    if _body_length(request) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise BodyTooLarge


def _body_length(request: Request) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isdecimal() else 0

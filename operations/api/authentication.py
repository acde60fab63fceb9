"""Who is asking: a knox token or the browser's session."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _
from knox import auth
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from operations import limits
from operations.limits.address import address_of
from operations.limits.rules import REFUSED_TOKEN


class TokenAuthentication(auth.TokenAuthentication):  # type: ignore[misc]
    """knox's own, which fails with a stack trace on a token that is no UTF-8, and which lets
    everybody guess for ever. A good token is always taken, wherever others were refused."""

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, AuthToken] | None:
        """Raises `AuthenticationFailed`, and `TooOften` instead where that came too often."""
        try:
            user_and_token: tuple[AbstractBaseUser, AuthToken] | None = super().authenticate(
                request
            )
        except AuthenticationFailed:
            limits.reserve(limits.bucket(REFUSED_TOKEN, address=address_of(request._request)))
            raise
        return user_and_token

    def authenticate_credentials(self, token: bytes) -> tuple[AbstractBaseUser, AuthToken]:
        if not token.isascii():
            raise AuthenticationFailed(_("Invalid token."))
        user_and_token: tuple[AbstractBaseUser, AuthToken] = super().authenticate_credentials(token)
        return user_and_token

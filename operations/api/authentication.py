"""Who is asking: a knox token or the browser's session."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _
from knox import auth
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed


class TokenAuthentication(auth.TokenAuthentication):  # type: ignore[misc]
    """knox's own, which fails with a stack trace on a token that is no UTF-8."""

    def authenticate_credentials(self, token: bytes) -> tuple[AbstractBaseUser, AuthToken]:
        if not token.isascii():
            raise AuthenticationFailed(_("Invalid token."))
        user_and_token: tuple[AbstractBaseUser, AuthToken] = super().authenticate_credentials(token)
        return user_and_token

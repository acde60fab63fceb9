"""Who is asking: a knox token or the browser's session."""

from __future__ import annotations

from hmac import compare_digest

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone
from django.utils.translation import gettext as _
from knox import auth
from knox.crypto import hash_token
from knox.models import AuthToken
from knox.settings import CONSTANTS
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from operations import limits
from operations.database.written_once import Place, WrittenOnce
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
        """knox's own looks at every request for all of the person's tokens that have ended; those
        let nobody in, and are pruned with what else is over."""
        if not token.isascii():
            raise AuthenticationFailed(_("Invalid token."))
        given = token.decode()
        digest = hash_token(given)
        for row in _WITH_KEY(key=given[: CONSTANTS.TOKEN_KEY_LENGTH]):
            is_over = row.expiry is not None and row.expiry < timezone.now()
            if compare_digest(digest, row.digest) and not is_over:
                user_and_token: tuple[AbstractBaseUser, AuthToken] = self.validate_user(row)
                return user_and_token
        raise AuthenticationFailed(_("Invalid token."))


_WITH_KEY = WrittenOnce(
    lambda: AuthToken.objects.filter(
        token_key=Place("key", AuthToken._meta.get_field("token_key"))
    ).select_related("user")
)

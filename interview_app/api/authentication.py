"""Signing in with a token, of whose use its owner is told."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from knox.models import AuthToken

from interview_app.tokens import note_use
from operations.api.authentication import TokenAuthentication


class NotedTokens(TokenAuthentication):
    def authenticate_credentials(self, token: bytes) -> tuple[AbstractBaseUser, AuthToken]:
        user, row = super().authenticate_credentials(token)
        note_use(row.digest)
        return user, row

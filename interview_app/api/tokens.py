"""Tokens of the API end with the password that they were made with."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from knox.models import AuthToken


class TokensEndWithPassword:
    """Stands among Django's password validators, because they are told of every change through
    every door (page, admin, `changepassword`), and not of a mere upgrade of the hash."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Every password will do."""

    def password_changed(self, password: str, user: User) -> None:
        AuthToken.objects.filter(user=user).delete()

    def get_help_text(self) -> str:
        return ""

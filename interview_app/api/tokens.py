"""Tokens of the API: made at the sign-in, listed, taken back. They end with the password that they
were made with."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AbstractUser, User
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from knox.models import AuthToken
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from interview_app.models import AccessToken
from interview_app.tokens import revoke_token, revoke_tokens, tokens_of
from operations.api.door import ApiView
from operations.api.serializers import UtcField


class TokensEndWithPassword:
    """Stands among Django's password validators, because they are told of every change through
    every door (page, admin, `changepassword`), and not of a mere upgrade of the hash."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Every password will do."""

    def password_changed(self, password: str, user: User) -> None:
        AuthToken.objects.filter(user=user).delete()

    def get_help_text(self) -> str:
        return ""


class AccessTokenSerializer(serializers.ModelSerializer[AccessToken]):
    expiry = UtcField(source="token.expiry", allow_null=True)
    created_at = UtcField()
    last_used_at = UtcField(allow_null=True)

    class Meta:
        model = AccessToken
        fields = ("id", "name", "created_at", "expiry", "last_used_at")


class TokenList(ListModelMixin, ApiView):
    serializer_class = AccessTokenSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[AccessToken]:
        return tokens_of(self.person)

    def get(self, request: Request) -> Response:
        return self.list(request)

    def delete(self, request: Request) -> Response:
        """This one too, where one is used."""
        revoke_tokens(person=self.person)
        return Response(status=204)


class TokenDetail(ApiView):
    def delete(self, request: Request, pk: UUID) -> Response:
        try:
            revoke_token(person=self.person, token_id=pk)
        except AccessToken.DoesNotExist:
            raise Http404 from None
        return Response(status=204)


@transaction.atomic
def new_token(user: AbstractUser, *, name: str = "") -> dict[str, Any]:
    row, token = AuthToken.objects.create(user=user)
    AccessToken.objects.create(token=row, name=name)
    return {"token": token, "expiry": UtcField().to_representation(row.expiry)}

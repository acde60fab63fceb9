"""Accounts and tokens. A token is shown once; its digest is all that is stored."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import authenticate, logout
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DatabaseError, IntegrityError, transaction
from django.utils.translation import gettext as _
from knox.models import AuthToken
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from interview_app.accounts import check_own_password, count_sign_up, sign_out_everywhere
from interview_app.api.tokens import new_token
from interview_app.models import TOKEN_NAME_MAX_LENGTH
from interview_app.public_ids import public_id_of
from operations.api.door import ApiView
from operations.api.problems import Problem
from operations.queries import is_of_deleted_account

NAME_LENGTH: int = User._meta.get_field("username").max_length or 0


class UsernameField(serializers.CharField):
    """In the form that the pages give a name (NFKC): one that was written with full-width
    letters could sign in here and never there."""

    def to_internal_value(self, data: Any) -> str:
        return User.normalize_username(super().to_internal_value(data))


class UserSerializer(serializers.ModelSerializer[User]):
    id = serializers.SerializerMethodField()
    username = UsernameField(max_length=NAME_LENGTH, validators=[UnicodeUsernameValidator()])
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254)

    class Meta:
        model = User
        fields = ("id", "username", "email")

    def get_id(self, person: User) -> UUID:
        return public_id_of(person)

    def validate_username(self, username: str) -> str:
        others = User.objects.filter(username__iexact=username)
        if self.instance is not None:
            others = others.exclude(pk=self.instance.pk)
        if others.exists():
            raise ValidationError([_username_taken()])
        return username

    def update(self, person: User, values: dict[str, Any]) -> User:
        for name, value in values.items():
            setattr(person, name, value)
        # These alone: a plain save would make an account anew that was deleted meanwhile.
        person.save(update_fields=list(values))
        return person

    def save(self, **values: Any) -> User:
        try:
            with transaction.atomic():
                return super().save(**values)
        except IntegrityError:
            # Somebody took the name between our look and our write.
            raise ValidationError({"username": [_username_taken()]}) from None


class RegisterSerializer(UserSerializer):
    password = serializers.CharField(write_only=True, trim_whitespace=False, max_length=4096)

    class Meta(UserSerializer.Meta):
        fields = (*UserSerializer.Meta.fields, "password")  # type: ignore[assignment]

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        person = User(username=values["username"], email=values.get("email", ""))
        try:
            validate_password(values["password"], user=person)
        except DjangoValidationError as error:
            raise DjangoValidationError({"password": error.error_list}) from None
        return values

    def create(self, values: dict[str, Any]) -> User:
        return User.objects.create_user(**values)


class LoginInput(serializers.Serializer[Any]):
    username = UsernameField(max_length=NAME_LENGTH)
    password = serializers.CharField(trim_whitespace=False, max_length=4096)
    token_name = serializers.CharField(
        max_length=TOKEN_NAME_MAX_LENGTH, required=False, allow_blank=True, default=""
    )


class PasswordInput(serializers.Serializer[Any]):
    password = serializers.CharField(trim_whitespace=False, max_length=4096)


class PublicView(ApiView):
    """Nobody needs to be signed in, and a stale token or cookie does no harm."""

    authentication_classes = ()
    permission_classes = ()


class Register(PublicView):
    def post(self, request: Request) -> Response:
        if not settings.REGISTRATION_OPEN:
            raise Problem(
                status=403,
                code="REGISTRATION_CLOSED",
                detail=_("New accounts are made by the administrator here."),
            )
        count_sign_up(request._request)
        form = RegisterSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user = form.save()
        return Response({"user": UserSerializer(user).data, **new_token(user)}, status=201)


class Login(PublicView):
    def post(self, request: Request) -> Response:
        form = LoginInput(data=request.data)
        form.is_valid(raise_exception=True)
        name = form.validated_data.pop("token_name")
        user = authenticate(request._request, **form.validated_data)
        if user is None:
            raise _not_together()
        try:
            user_logged_in.send(sender=type(user), request=request._request, user=user)
            return Response(new_token(user, name=name))
        except DatabaseError as error:
            if is_of_deleted_account(error, user):
                raise _not_together() from None
            raise


class Logout(ApiView):
    """Ends what the request was signed in with: this token, or the browser's session."""

    def post(self, request: Request) -> Response:
        if isinstance(request.auth, AuthToken):
            request.auth.delete()
            user_logged_out.send(
                sender=type(request.user), request=request._request, user=request.user
            )
        else:
            logout(request._request)
        return Response(status=204)


class LogoutEverywhere(ApiView):
    """Ends every browser session and every token of the person, this one too."""

    def post(self, request: Request) -> Response:
        form = PasswordInput(data=request.data)
        form.is_valid(raise_exception=True)
        sign_out_everywhere(person=self.person, password=form.validated_data["password"])
        return Response(status=204)


class Me(ApiView):
    def get(self, request: Request) -> Response:
        return Response(UserSerializer(self.person).data)

    def patch(self, request: Request) -> Response:
        form = UserSerializer(self.person, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        address = form.validated_data.get("email", self.person.email)
        # Whoever sits down at somebody's browser could have a new password mailed to themselves.
        if address != self.person.email and not isinstance(request.auth, AuthToken):
            check_own_password(self.person, str(form.initial_data.get("password", "")))
        form.save()
        return Response(form.data)


def _not_together() -> AuthenticationFailed:
    return AuthenticationFailed(_("This user name and password do not belong together."))


def _username_taken() -> ErrorDetail:
    return ErrorDetail(_("A user with that username already exists."), code="unique")

"""A person's account as a whole: to take along, and to delete."""

from __future__ import annotations

from django.http import FileResponse
from knox.models import AuthToken
from rest_framework.request import Request
from rest_framework.response import Response

from interview_app.accounts import check_own_password, count_export, delete_account
from interview_app.api.auth import PasswordInput
from interview_app.api.exports import account_archive
from operations.api.door import ApiView
from operations.api.downloads import AnyAccept, binary_file
from operations.api.serializers import SpendingSerializer
from operations.budgets import month_of_person
from operations.models import Door


class OwnSpending(ApiView):
    def get(self, request: Request) -> Response:
        return Response(SpendingSerializer(month_of_person(self.person.pk).as_data()).data)


class Account(ApiView):
    content_negotiation_class = AnyAccept

    def get(self, request: Request) -> FileResponse:
        count_export(self.person)
        archive = account_archive(self.person)
        return binary_file(archive, name="account.zip", content_type="application/zip")

    def delete(self, request: Request) -> Response:
        """Whoever sits down at somebody's browser has to know the password; a token is enough."""
        if not isinstance(request.auth, AuthToken):
            form = PasswordInput(data=request.data)
            form.is_valid(raise_exception=True)
            check_own_password(self.person, form.validated_data["password"])
        delete_account(person=self.person, actor=self.person, door=Door.API)
        return Response(status=204)

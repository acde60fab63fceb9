"""A person's own key for the provider: write-only; what is shown of it is a hint."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from interview_app.accounts import check_key
from operations.api.door import ApiView
from operations.api.idempotency import CreatesOnce
from operations.api.serializers import OperationErrorSerializer, error_data
from operations.api.views import POLL_SECONDS, operation_data
from operations.models import Door, Operation, OwnKey
from operations.own_keys import KEY_MAX_LENGTH, own_key_of
from operations.queries import visible_operations
from operations.services import delete_own_key, ended_within, save_own_key

OUTCOMES = (Operation.Status.COMPLETED, Operation.Status.FAILED)


class KeyInput(serializers.Serializer[Any]):
    key = serializers.CharField(write_only=True, max_length=KEY_MAX_LENGTH)
    base_url = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)


class KeySerializer(serializers.Serializer[Any]):
    configured = serializers.BooleanField()
    hint = serializers.CharField(allow_null=True)


class KeyWithAddressSerializer(KeySerializer):
    base_url = serializers.CharField(
        allow_null=True, help_text="Null: the installation's, or none is configured."
    )


class KeyCheckSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    error = OperationErrorSerializer(allow_null=True)


class OwnKeyView(ApiView):
    def get(self, request: Request) -> Response:
        return Response(key_data(own_key_of(self.person.pk)))

    def put(self, request: Request) -> Response:
        form = KeyInput(data=request.data)
        form.is_valid(raise_exception=True)
        saved = save_own_key(person=self.person, **form.validated_data)
        return Response({"configured": True, "hint": saved.hint})

    def delete(self, request: Request) -> Response:
        delete_own_key(person=self.person)
        return Response(status=204)


class OwnKeyCheck(CreatesOnce):
    """200 with the outcome where there is one within ten seconds, else 202 with the operation."""

    made_status = 202
    location = "api-operation"

    def make(self, request: Request, **ids: UUID) -> UUID:
        return check_key(self.person, door=Door.API).pk

    def rebuild(self, request: Request, object_id: str) -> Any:
        return operation_data(self.person, object_id)

    def answer(self, request: Request, object_id: str, status: int = 0) -> Response:
        get_object_or_404(visible_operations(self.person), pk=object_id)
        check = ended_within(UUID(object_id))
        if check.status in OUTCOMES:
            return Response({"ok": check.status == OUTCOMES[0], "error": error_data(check)})
        response = super().answer(request, object_id, status)
        response.headers["Retry-After"] = str(POLL_SECONDS)
        return response


def key_data(key: OwnKey | None) -> dict[str, Any]:
    """All that is ever shown of it."""
    if key is None:
        return {"configured": False, "hint": None, "base_url": None}
    return {"configured": True, "hint": key.hint, "base_url": key.base_url or None}

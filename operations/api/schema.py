"""How the API describes itself: OpenAPI 3.1, made from views and serializers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_view,
)
from rest_framework import serializers

from operations.api.idempotency import HEADER, KEY_MAX_LENGTH, CreatesOnce
from operations.api.problems import CONTENT_TYPE


class FieldErrorSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(allow_null=True)
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457. Branch on `code`; `detail` is a sentence for a person."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]
    errors_left_out = serializers.IntegerField(required=False)
    category = serializers.CharField(required=False)
    retryable = serializers.BooleanField(required=False)
    operation = serializers.UUIDField(required=False)
    request_id = serializers.CharField(required=False)


class ApiSchema(AutoSchema):
    def get_override_parameters(self) -> list[Any]:
        if self.method != "POST" or not isinstance(self.view, CreatesOnce):
            return []
        return [
            OpenApiParameter(
                HEADER,
                {"type": "string", "minLength": 1, "maxLength": KEY_MAX_LENGTH},
                OpenApiParameter.HEADER,
                description="Sent again within 24 hours it makes nothing again.",
            )
        ]

    def get_description(self) -> str:  # type: ignore[override]
        """Docstrings are for who reads the code."""
        return ""

    def _map_serializer(
        self, serializer: Any, direction: Any, bypass_extensions: bool = False
    ) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_serializer(  # type: ignore[no-untyped-call]
            serializer, direction, bypass_extensions
        )
        return {name: value for name, value in schema.items() if name != "description"}

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").split("/")[0]]

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        """Whatever goes wrong is a problem document."""
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        problem = self._get_response_for_code(  # type: ignore[no-untyped-call]
            ProblemSerializer, "default", [CONTENT_TYPE]
        )
        return bodies | {"default": problem | {"description": "What is wrong."}}


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "operations.api.authentication.TokenAuthentication"
    match_subclasses = True
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token <token>`, with a token of `auth/login/`.",
        }


def describe(documented: Mapping[Any, Mapping[str, Any]]) -> None:
    """Tells the schema of the methods of views. A route that is left out fails the gate."""
    for view, methods in documented.items():
        extend_schema_view(**methods)(view)


def describes(
    summary: str,
    responses: Any,
    *,
    request: Any = None,
    example: Mapping[str, Any] | None = None,
    parameters: list[Any] | None = None,
    operation_id: str | None = None,
) -> Any:
    """`example`: a body that a test sends."""
    examples = [OpenApiExample("Example", example, request_only=True)] if example else []
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        responses=responses,
        request=request,
        examples=examples,
        parameters=parameters,
    )

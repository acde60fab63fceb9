"""The schema for programs, and as a page for people: plain HTML, so that no other host and no
script has to be trusted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request
from rest_framework.response import Response

from operations.api.door import ApiView

METHODS = ("get", "post", "put", "patch", "delete")


@cache
def openapi() -> dict[str, Any]:
    """The same for everybody, in English. Made once a process: that takes a moment."""
    with translation.override("en"):
        generator = SchemaGenerator()  # type: ignore[no-untyped-call]
        schema: dict[str, Any] = generator.get_schema(  # type: ignore[no-untyped-call]
            request=None, public=True
        )
        return schema


class SchemaView(ApiView):
    authentication_classes = ()
    permission_classes = ()
    schema = None

    def get(self, request: Request) -> Response:
        return Response(openapi(), headers={"Cache-Control": "public, max-age=300"})


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Needs no sign-in, as the schema does not."""
    schema = openapi()
    context = {
        "routes": list(_routes(schema["paths"])),
        "shapes": [_shape(name, each) for name, each in schema["components"]["schemas"].items()],
    }
    return render(request, "api_docs.html", context)


@dataclass(frozen=True)
class Field:
    name: str
    type: str
    is_required: bool


@dataclass(frozen=True)
class Body:
    media_type: str
    type: str
    examples: list[str]


@dataclass(frozen=True)
class Route:
    id: str
    method: str
    path: str
    summary: str
    parameters: list[Field]
    bodies: list[Body]
    answers: list[tuple[str, list[Body]]]


def _routes(paths: Mapping[str, Any]) -> Iterator[Route]:
    for path, methods in paths.items():
        for method in METHODS:
            if method in methods:
                yield _route(path, method, methods[method])


def _route(path: str, method: str, said: Mapping[str, Any]) -> Route:
    return Route(
        id=said["operationId"],
        method=method.upper(),
        path=path,
        summary=said.get("summary", ""),
        parameters=[
            Field(each["name"], _type(each["schema"]), each.get("required", False))
            for each in said.get("parameters", ())
            if each["in"] != "path"
        ],
        bodies=_bodies(said.get("requestBody", {})),
        answers=[(status, _bodies(answer)) for status, answer in said["responses"].items()],
    )


def _bodies(said: Mapping[str, Any]) -> list[Body]:
    return [
        Body(media_type, _type(body["schema"]), _examples(body))
        for media_type, body in said.get("content", {}).items()
    ]


def _examples(body: Mapping[str, Any]) -> list[str]:
    values = (each["value"] for each in body.get("examples", {}).values())
    return [json.dumps(value, indent=2, ensure_ascii=False) for value in values]


@dataclass(frozen=True)
class Shape:
    name: str
    type: str
    fields: list[Field]


def _shape(name: str, schema: Mapping[str, Any]) -> Shape:
    required = schema.get("required", ())
    fields = [
        Field(field, _type(each), field in required)
        for field, each in schema.get("properties", {}).items()
    ]
    return Shape(name, "" if fields else _type(schema), fields)


def _type(schema: Mapping[str, Any]) -> str:
    """In words, as short as they come."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    for several in ("oneOf", "anyOf", "allOf"):
        if several in schema:
            return " | ".join(_type(each) for each in schema[several])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"[{_type(schema['items'])}]"
    types = schema.get("type", "any")
    words = " | ".join(types) if isinstance(types, list) else str(types)
    return f"{words} ({schema['format']})" if "format" in schema else words

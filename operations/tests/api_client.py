"""A client of the API: JSON, and a real token where somebody is signed in."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import Permission, User
from knox.models import AuthToken
from rest_framework.test import APIClient

PROBLEM = "application/problem+json"


def api_client(user: User | None = None, **options: Any) -> APIClient:
    client = APIClient(**options)
    client.default_format = "json"
    if user is not None:
        _, token = AuthToken.objects.create(user=user)
        client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def escaped_json(body: object) -> dict[str, Any]:
    """A body in ASCII with escapes: the only way a lone surrogate can travel."""
    return {"data": json.dumps(body), "content_type": "application/json"}


def grant(user: User, *codenames: str) -> User:
    """The user with these permissions of the app `operations`, read anew."""
    user.user_permissions.add(
        *Permission.objects.filter(content_type__app_label="operations", codename__in=codenames)
    )
    return User.objects.get(pk=user.pk)


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    assert response["Content-Type"] == PROBLEM
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert {"type", "title", "detail"} <= body.keys()
    return body

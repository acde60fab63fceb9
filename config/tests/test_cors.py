"""Pages of other hosts: none may read the API, but those on the list, with a token."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from operations.tests.api_client import api_client
from operations.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

THEIRS = "https://app.example.org"
ALLOW = "Access-Control-Allow-Origin"


@pytest.fixture
def listed(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [THEIRS]


def preflight(path: str, origin: str = THEIRS) -> Any:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,idempotency-key",
    }
    return Client().options(path, headers=headers).headers


def test_nobody_is_let_in_by_default() -> None:
    answer = Client().get("/api/v1/me/", headers={"origin": THEIRS})

    assert ALLOW not in answer.headers
    assert ALLOW not in preflight("/api/v1/sessions/")


@pytest.mark.usefixtures("listed")
def test_who_is_listed_may_call_with_a_token_and_read_what_clients_need() -> None:
    asked = preflight("/api/v1/sessions/")
    answer = api_client(UserFactory()).get("/api/v1/me/", headers={"origin": THEIRS})

    assert asked[ALLOW] == answer.headers[ALLOW] == THEIRS
    assert {"authorization", "idempotency-key"} <= set(
        asked["Access-Control-Allow-Headers"].split(", ")
    )
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
    assert "origin" in answer.headers["Vary"].lower()


@pytest.mark.usefixtures("listed")
def test_no_cookie_goes_with_it() -> None:
    assert "Access-Control-Allow-Credentials" not in preflight("/api/v1/sessions/")


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.org.evil.example",
        "http://app.example.org",
        "https://app.example.org:444",
        "https://sub.app.example.org",
        "null",
    ],
)
def test_who_only_looks_like_it_is_not_let_in(origin: str) -> None:
    assert ALLOW not in preflight("/api/v1/sessions/", origin)


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize("path", ["/sign-in/", "/admin/login/", "/healthz"])
def test_pages_are_never_shared(path: str) -> None:
    assert ALLOW not in Client().get(path, headers={"origin": THEIRS}).headers

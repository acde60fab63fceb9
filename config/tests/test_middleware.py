from __future__ import annotations

import uuid

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_request_id_of_the_caller_is_echoed(client: Client) -> None:
    response = client.get("/healthz", headers={"X-Request-ID": "from-the-proxy-1"})

    assert response["X-Request-ID"] == "from-the-proxy-1"


@pytest.mark.parametrize("given", ["", "two words", "a" * 65, "über"])
def test_request_id_that_is_missing_or_unsafe_is_replaced(given: str, client: Client) -> None:
    response = client.get("/healthz", headers={"X-Request-ID": given})

    assert uuid.UUID(response["X-Request-ID"])


@pytest.mark.parametrize("path", ["/healthz", "/admin/login/", "/", "/no/such/page/"])
def test_every_response_forbids_inline_script(path: str, client: Client) -> None:
    policy = client.get(path)["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy

from __future__ import annotations

import uuid

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from interview_app.services import start_session
from operations.tests.factories import UserFactory

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


@pytest.mark.parametrize("path", ["/healthz", "/", "/api/v1/me/"])
def test_every_response_forgoes_the_devices(path: str, client: Client) -> None:
    assert "microphone=()" in client.get(path)["Permissions-Policy"]


@pytest.mark.parametrize("name", ["home", "my_practice", "my_resume", "new_practice"])
def test_no_cache_keeps_a_page_of_who_is_signed_in(name: str, client: Client) -> None:
    client.force_login(UserFactory())

    assert "no-store" in client.get(reverse(name))["Cache-Control"]


def test_live_fragment_is_kept_by_no_cache(client: Client) -> None:
    person = UserFactory()
    client.force_login(person)
    session, _ = start_session(owner=person, role="Engineer")

    answer = client.get(reverse("session_live", args=[session.pk]))

    assert answer.status_code in (200, 304)
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    ("path", "content_type"),
    [("/api/v1/me/", "application/problem+json"), ("/sign-in/", "text/html; charset=utf-8")],
)
def test_a_host_that_is_not_ours_is_refused_in_the_form_of_its_door(
    path: str, content_type: str, debug: bool, client: Client, settings: Settings
) -> None:
    settings.DEBUG = debug

    answer = client.get(path, headers={"Host": "elsewhere.example"})

    assert answer.status_code == 400
    assert answer["Content-Type"] == content_type
    if content_type == "application/problem+json":
        assert answer.json()["code"] == "BAD_REQUEST"


def test_a_program_with_a_foreign_host_is_told_in_its_language_and_leaves_a_line(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.get(
        "/api/v1/me/", headers={"Host": "elsewhere.example", "Accept-Language": "de"}
    )

    assert answer.json()["detail"] == "Diese Anfrage war nicht lesbar"
    assert answer["Content-Security-Policy"]
    (record,) = [r for r in caplog.records if r.name == "django.security.DisallowedHost"]
    assert record.levelname == "ERROR"


def test_a_developer_sees_on_a_page_why_a_foreign_host_is_refused(
    client: Client, settings: Settings
) -> None:
    settings.DEBUG = True

    answer = client.get("/sign-in/", headers={"Host": "elsewhere.example"})

    assert "ALLOWED_HOSTS" in answer.content.decode()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("host", ["10.0.0.7:8000", "not_a_name", "evil.example.org"])
def test_health_is_told_under_any_name(path: str, host: str, client: Client) -> None:
    """A load balancer asks the address that it knows; a page under that name is refused."""
    answer = client.get(path, headers={"Host": host})

    assert answer.status_code == 200
    assert host not in answer.content.decode()
    assert client.get("/", headers={"Host": host}).status_code == 400

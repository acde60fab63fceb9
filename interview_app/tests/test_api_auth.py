"""Accounts and tokens over HTTP."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from knox.models import AuthToken
from pytest_django import Settings

from operations.tests.api_client import api_client, assert_problem
from operations.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

REGISTER, LOGIN, LOGOUT = (f"/api/v1/auth/{verb}/" for verb in ("register", "login", "logout"))
ME = "/api/v1/me/"
CAROL = {"username": "carol", "email": "carol@example.org", "password": "three green bicycles"}


@pytest.fixture
def alice() -> User:
    return UserFactory(username="alice", email="alice@example.org")


def test_registering_makes_an_account_and_signs_in() -> None:
    response = api_client().post(REGISTER, CAROL)

    body = response.json()
    carol = User.objects.get(username="carol")
    assert response.status_code == 201
    assert body.keys() == {"user", "token", "expiry"}
    assert body["user"] == {
        "id": str(carol.public_id.id),
        "username": "carol",
        "email": "carol@example.org",
    }
    assert body["expiry"].endswith("Z")
    assert carol.check_password(CAROL["password"])
    client = api_client()
    client.credentials(HTTP_AUTHORIZATION=f"Token {body['token']}")
    assert client.get(ME).json() == body["user"]


def test_token_is_not_stored_in_clear() -> None:
    token = api_client().post(REGISTER, CAROL).json()["token"]

    stored = AuthToken.objects.values().get()
    assert token not in stored.values()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("username", "", "blank"),
        ("username", None, "null"),
        ("username", "a b", "invalid"),
        ("username", "x" * 151, "max_length"),
        ("username", "ca\x00rol", "null_characters_not_allowed"),
        ("username", "alice", "unique"),
        ("username", "ALICE", "unique"),
        ("email", "nonsense", "invalid"),
        ("password", "", "blank"),
        ("password", "short", "password_too_short"),
        ("password", "12345678901", "password_entirely_numeric"),
        ("password", "carol@example", "password_too_similar"),
        ("password", "x" * 5000, "max_length"),
    ],
)
def test_what_cannot_be_registered_names_its_field(
    alice: User, field: str, value: str | None, code: str
) -> None:
    response = api_client().post(REGISTER, {**CAROL, field: value})

    errors = assert_problem(response, 400, "VALIDATION_ERROR")["errors"]
    assert {error["field"] for error in errors} == {field}
    assert code in {error["code"] for error in errors}
    assert all(error["detail"] for error in errors)
    assert User.objects.count() == 1


def test_every_missing_field_is_named() -> None:
    errors = assert_problem(api_client().post(REGISTER, {}), 400, "VALIDATION_ERROR")["errors"]

    assert [(error["field"], error["code"]) for error in errors] == [
        ("username", "required"),
        ("password", "required"),
    ]


def test_closed_registration_is_refused(settings: Settings) -> None:
    settings.REGISTRATION_OPEN = False

    assert_problem(api_client().post(REGISTER, CAROL), 403, "REGISTRATION_CLOSED")
    assert not User.objects.exists()


def test_signing_in_gives_a_token(alice: User) -> None:
    response = api_client().post(LOGIN, {"username": "alice", "password": "correct horse"})

    assert response.status_code == 200
    assert response.json().keys() == {"token", "expiry"}
    alice.refresh_from_db()
    assert alice.last_login is not None


def test_stale_token_does_not_keep_from_signing_in(alice: User) -> None:
    client = api_client()
    client.credentials(HTTP_AUTHORIZATION="Token ip_of-yesterday")

    response = client.post(LOGIN, {"username": "alice", "password": "correct horse"})

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("username", "password"), [("alice", "wrong"), ("nobody", "correct horse")]
)
def test_wrong_password_and_unknown_name_are_told_alike(
    alice: User, username: str, password: str
) -> None:
    response = api_client().post(LOGIN, {"username": username, "password": password})

    problem = assert_problem(response, 401, "AUTHENTICATION_FAILED")
    assert response["WWW-Authenticate"] == "Token"
    assert problem["detail"] == "This user name and password do not belong together."


def test_locked_account_cannot_sign_in() -> None:
    UserFactory(username="locked", is_active=False)

    response = api_client().post(LOGIN, {"username": "locked", "password": "correct horse"})

    assert_problem(response, 401, "AUTHENTICATION_FAILED")


def test_signing_out_ends_this_token_only(alice: User) -> None:
    here, elsewhere = api_client(alice), api_client(alice)

    assert here.post(LOGOUT).status_code == 204
    assert_problem(here.get(ME), 401, "AUTHENTICATION_FAILED")
    assert elsewhere.get(ME).status_code == 200


def test_signing_out_ends_a_browser_session(alice: User) -> None:
    client = api_client()
    client.force_login(alice)

    assert client.post(LOGOUT).status_code == 204
    assert client.get(ME).status_code == 401


@pytest.mark.parametrize(("method", "path"), [("post", LOGOUT), ("get", ME), ("patch", ME)])
def test_signing_in_comes_first(method: str, path: str) -> None:
    response = getattr(api_client(), method)(path)

    assert_problem(response, 401, "NOT_AUTHENTICATED")
    assert response["WWW-Authenticate"] == "Token"


def test_a_person_changes_their_own_data(alice: User) -> None:
    response = api_client(alice).patch(ME, {"email": "new@example.org"})

    assert response.json() == {
        "id": str(alice.public_id.id),
        "username": "alice",
        "email": "new@example.org",
    }
    alice.refresh_from_db()
    assert alice.email == "new@example.org"


def test_nobody_makes_themselves_staff(alice: User) -> None:
    api_client(alice).patch(ME, {"is_staff": True, "is_superuser": True, "id": 99})

    alice.refresh_from_db()
    assert (alice.is_staff, alice.is_superuser) == (False, False)


def test_somebody_elses_name_cannot_be_taken(alice: User) -> None:
    UserFactory(username="bob")

    response = api_client(alice).patch(ME, {"username": "BOB"})

    errors = assert_problem(response, 400, "VALIDATION_ERROR")["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [("username", "unique")]


def test_full_width_name_is_one_name_at_every_door(client: Client) -> None:
    person = UserFactory(username="dora")
    person.set_password(CAROL["password"])
    person.save()
    client.login(username="dora", password=CAROL["password"])

    renamed = client.patch(ME, {"username": "Ｃａｒｏｌ"}, content_type="application/json")
    by_api = client.post(
        LOGIN,
        {"username": "Ｃａｒｏｌ", "password": CAROL["password"]},
        content_type="application/json",
    )
    by_page = Client().post(
        reverse("login"), {"username": "Ｃａｒｏｌ", "password": CAROL["password"]}
    )

    assert renamed.json()["username"] == "Carol"
    assert by_api.status_code == 200
    assert by_page.status_code == 302

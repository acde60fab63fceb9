"""A new password, or the wish to be out everywhere, ends what was signed in before."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from operations.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

OLD, NEW = "three green bicycles", "four yellow submarines"
ME = "/api/v1/me/"


@pytest.fixture
def carol() -> User:
    person: User = UserFactory(username="carol")
    person.set_password(OLD)
    person.save()
    return person


def token_of(person: User) -> dict[str, str]:
    answer = Client().post(
        "/api/v1/auth/login/",
        {"username": person.username, "password": OLD},
        content_type="application/json",
    )
    return {"Authorization": f"Token {answer.json()['token']}"}


def signed_in(person: User) -> Client:
    client = Client()
    assert client.login(username=person.username, password=OLD)
    return client


def test_a_changed_password_ends_tokens_and_other_browsers_but_not_this_one(carol: User) -> None:
    here, elsewhere, token = signed_in(carol), signed_in(carol), token_of(carol)
    assert Client().get(ME, headers=token).status_code == 200

    changed = here.post(
        reverse("change_password"),
        {"old_password": OLD, "new_password1": NEW, "new_password2": NEW},
    )

    assert changed.status_code == 302
    assert Client().get(ME, headers=token).status_code == 401
    assert elsewhere.get(ME).status_code == 401
    assert here.get(ME).status_code == 200


def test_an_administrators_new_password_ends_tokens(carol: User) -> None:
    token = token_of(carol)
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))

    client.post(
        reverse("admin:auth_user_password_change", args=[carol.pk]),
        {"password1": NEW, "password2": NEW, "usable_password": "true"},
    )

    carol.refresh_from_db()
    assert carol.check_password(NEW)
    assert Client().get(ME, headers=token).status_code == 401


def test_signing_in_again_ends_nothing(carol: User) -> None:
    token = token_of(carol)

    signed_in(carol)

    assert Client().get(ME, headers=token).status_code == 200


def leave(door: str, here: Client, token: dict[str, str], password: str) -> Any:
    if door == "page":
        return here.post(reverse("leave_everywhere"), {"password": password})
    return Client().post(
        "/api/v1/auth/logout-everywhere/",
        {"password": password},
        content_type="application/json",
        headers=token,
    )


@pytest.mark.parametrize(("door", "status"), [("page", 302), ("api", 204)])
def test_signing_out_everywhere_ends_all_and_keeps_the_password(
    carol: User, door: str, status: int
) -> None:
    here, elsewhere, token = signed_in(carol), signed_in(carol), token_of(carol)

    answer = leave(door, here, token, OLD)

    assert answer.status_code == status
    assert [client.get(ME).status_code for client in (here, elsewhere)] == [401, 401]
    assert Client().get(ME, headers=token).status_code == 401
    assert signed_in(carol).get(ME).status_code == 200


@pytest.mark.parametrize("door", ["page", "api"])
def test_a_wrong_password_ends_nothing_and_is_told_so(carol: User, door: str) -> None:
    here, token = signed_in(carol), token_of(carol)

    answer = leave(door, here, token, NEW)

    assert answer.status_code == 400
    assert "not your password" in answer.content.decode()
    assert here.get(ME).status_code == 200
    assert Client().get(ME, headers=token).status_code == 200

"""API tokens as their owner sees them, over API and page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from knox.models import AuthToken

from interview_app import tokens
from interview_app.models import AccessToken
from operations.tests.api_client import api_client, assert_problem

pytestmark = pytest.mark.django_db

TOKENS = "/api/v1/me/tokens/"
ME = "/api/v1/me/"
PASSWORD = "correct horse"


def signed_in(person: User, name: str = "") -> Any:
    body = {"username": person.username, "password": PASSWORD, "token_name": name}
    client = api_client()
    token = client.post("/api/v1/auth/login/", body).json()["token"]
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def listed(client: Any) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = client.get(TOKENS).json()["results"]
    return results


def test_tokens_are_listed_newest_first_with_name_and_end(alice: User, bob: User) -> None:
    signed_in(bob, "Bob's")
    signed_in(alice)
    client = signed_in(alice, "Laptop")

    newest, oldest = listed(client)

    assert (newest["name"], oldest["name"]) == ("Laptop", "")
    assert newest.keys() == {"id", "name", "created_at", "expiry", "last_used_at"}
    assert newest["last_used_at"] is not None
    assert oldest["last_used_at"] is None
    assert newest["expiry"] > newest["created_at"]


def test_a_token_that_ended_is_not_listed(alice: User) -> None:
    signed_in(alice, "Old")
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))

    assert [each["name"] for each in listed(signed_in(alice, "New"))] == ["New"]


def test_a_token_that_ended_lets_nobody_in(alice: User) -> None:
    client = signed_in(alice)
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))

    assert_problem(client.get(ME), 401, "AUTHENTICATION_FAILED")


def test_a_token_that_begins_like_another_lets_nobody_in(alice: User) -> None:
    row, token = AuthToken.objects.create(user=alice)
    client = api_client()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token[: len(row.token_key)]}{'0' * 64}")

    assert_problem(client.get(ME), 401, "AUTHENTICATION_FAILED")


def test_a_token_of_somebody_who_was_locked_lets_nobody_in(alice: User) -> None:
    client = signed_in(alice)
    User.objects.update(is_active=False)

    assert_problem(client.get(ME), 401, "AUTHENTICATION_FAILED")


def test_who_asks_is_one_look(alice: User) -> None:
    signed_in(alice, "Another")
    client = signed_in(alice)
    client.get(ME)

    with CaptureQueriesContext(connection) as asked:
        client.get(ME)

    assert [each["sql"] for each in asked if "knox_authtoken" in each["sql"]] == [
        asked.captured_queries[0]["sql"]
    ]


def test_a_use_is_noted_once_an_hour(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(alice)
    client.get(ME)
    AccessToken.objects.update(last_used_at=None)

    client.get(ME)
    assert AccessToken.objects.get().last_used_at is None

    monkeypatch.setattr(tokens, "NOTED_EVERY_SECONDS", 0)
    client.get(ME)
    assert AccessToken.objects.get().last_used_at is not None


@pytest.mark.django_db(transaction=True)  # as in production, a failed write breaks no transaction
def test_who_cannot_write_is_answered_all_the_same(alice: User) -> None:
    client = signed_in(alice)

    def refuse(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("UPDATE"):
            raise OperationalError("disk I/O error")
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse):
        assert client.get(ME).status_code == 200


def test_one_is_taken_back_and_the_others_stay(alice: User) -> None:
    phone, laptop = signed_in(alice, "Phone"), signed_in(alice, "Laptop")
    (token,) = (each for each in listed(laptop) if each["name"] == "Phone")

    assert laptop.delete(f"{TOKENS}{token['id']}/").status_code == 204

    assert phone.get(ME).status_code == 401
    assert [each["name"] for each in listed(laptop)] == ["Laptop"]


def test_somebody_elses_token_is_not_there(alice: User, bob: User) -> None:
    client = signed_in(alice)
    token = AccessToken.objects.get()

    assert_problem(signed_in(bob).delete(f"{TOKENS}{token.pk}/"), 404, "NOT_FOUND")
    assert client.get(ME).status_code == 200


def test_all_are_taken_back_and_nobody_elses(alice: User, bob: User) -> None:
    phone, laptop, bobs = signed_in(alice), signed_in(alice), signed_in(bob)

    assert laptop.delete(TOKENS).status_code == 204

    assert [each.get(ME).status_code for each in (phone, laptop, bobs)] == [401, 401, 200]


def test_the_account_page_lists_and_revokes(client: Client, alice: User) -> None:
    phone, laptop = signed_in(alice, "My <b>phone</b>"), signed_in(alice, "Laptop")
    client.force_login(alice)
    page = client.get(reverse("my_account")).text
    assert "My &lt;b&gt;phone&lt;/b&gt;" in page
    token = AccessToken.objects.get(name="Laptop")

    answer = client.post(reverse("revoke_token", args=[token.pk]))

    assert answer["Location"] == reverse("my_account")
    assert [each.get(ME).status_code for each in (phone, laptop)] == [200, 401]
    client.post(reverse("revoke_tokens"))
    assert phone.get(ME).status_code == 401
    assert client.get(reverse("my_account")).status_code == 200

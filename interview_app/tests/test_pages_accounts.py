"""Home, signing up, in and out, and what strangers may not see."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db

PROMISE = "Your answers are saved before anything is sent to the AI."
SOME_ID = uuid.UUID("00000000-0000-4000-8000-000000000001")


def test_home_makes_the_promise_to_visitors(client: Client) -> None:
    page = client.get("/")

    assert page.status_code == 200
    assert f'<p class="promise">{PROMISE}</p>' in page.text


def test_every_page_says_that_the_interviewer_is_simulated(client: Client) -> None:
    assert "Simulated interviewer." in client.get("/").text


def test_with_a_key_no_page_speaks_of_a_simulation(client: Client, settings: Settings) -> None:
    settings.OPENAI_API_KEY = "sk-a-key-for-tests-only"

    assert "Simulated interviewer." not in client.get("/").text


def test_signing_up_leads_to_the_first_practice(client: Client) -> None:
    response = client.post(
        "/sign-up/",
        {"username": "mara", "password1": "quiet harbour 7", "password2": "quiet harbour 7"},
    )

    assert response["Location"] == "/practice/new/"
    assert client.get("/practice/new/").status_code == 200


def test_a_weak_password_is_refused_beside_the_name(client: Client) -> None:
    response = client.post(
        "/sign-up/", {"username": "mara", "password1": "12345678", "password2": "12345678"}
    )

    assert response.status_code == 400
    assert 'value="mara"' in response.text
    assert not User.objects.exists()


def test_sign_up_is_gone_where_registration_is_closed(client: Client, settings: Settings) -> None:
    settings.REGISTRATION_OPEN = False

    assert client.get("/sign-up/").status_code == 404
    assert "/sign-up/" not in client.get("/").text


def test_a_wrong_password_gets_a_sentence(client: Client, alice: User) -> None:
    response = client.post("/sign-in/", {"username": alice.username, "password": "wrong"})

    assert "do not belong together" in response.text


def test_signing_in_goes_on_to_where_one_wanted(client: Client, alice: User) -> None:
    response = client.post(
        "/sign-in/",
        {"username": alice.username, "password": "correct horse", "next": "/resume/"},
    )

    assert response["Location"] == "/resume/"


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example/"])
def test_signing_in_never_leads_to_another_site(client: Client, alice: User, address: str) -> None:
    response = client.post(
        "/sign-in/",
        {"username": alice.username, "password": "correct horse", "next": address},
    )

    assert response["Location"] == "/practice/"


def test_signing_out_leads_home(client: Client, alice: User) -> None:
    client.force_login(alice)

    assert client.post("/sign-out/")["Location"] == "/"
    assert client.get("/practice/").status_code == 302


@pytest.mark.parametrize(
    "path",
    [
        "/practice/",
        "/practice/new/",
        "/resume/",
        f"/practice/{SOME_ID}/",
        f"/practice/{SOME_ID}/live/",
        f"/practice/{SOME_ID}/summary/",
        f"/practice/{SOME_ID}/delete/",
        f"/questions/{SOME_ID}/",
        f"/questions/{SOME_ID}/live/",
    ],
)
def test_visitors_are_asked_to_sign_in(client: Client, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 302
    assert response["Location"] == f"/sign-in/?next={path}"


def test_an_unknown_address_gets_a_page_of_ours(client: Client) -> None:
    response = client.get("/nothing/here/")

    assert response.status_code == 404
    assert "There is nothing here" in response.text


def test_a_form_without_its_token_gets_a_page_of_ours() -> None:
    response = Client(enforce_csrf_checks=True).post("/sign-in/", {"username": "mara"})

    assert response.status_code == 403
    assert "This form has grown too old" in response.text

"""The settings: name and address, and the language of the pages, kept with the person."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from interview_app.accounts import make_visitor
from interview_app.models import Preferences
from interview_app.settings_forms import ProfileForm
from operations.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse"
GERMAN = {"accept-language": "de"}


def speaks(answer: Any) -> str:
    """The language that the page says it is in."""
    return str(answer.text.partition('<html lang="')[2][:2])


@pytest.fixture
def here(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_name_and_address_are_saved(here: Client, alice: User) -> None:
    mara = {"username": "mara", "email": "mara@example.org", "password": PASSWORD}
    answer = here.post("/account/profile/", mara)

    assert answer["Location"] == "/account/"
    alice.refresh_from_db()
    assert (alice.username, alice.email) == ("mara", "mara@example.org")
    assert "You are signed in as mara." in here.get("/account/").text


@pytest.mark.parametrize("password", ["", "a guess"])
def test_an_unlocked_browser_changes_no_address(password: str, here: Client, alice: User) -> None:
    """Whoever reads the mail of the new one could set a new password."""
    mine = {"username": "alice", "email": "thief@example.org", "password": password}

    page = here.post("/account/profile/", mine)
    api = here.patch("/api/v1/me/", mine, content_type="application/json")

    assert (page.status_code, api.status_code) == (400, 400)
    assert api.json()["errors"][0]["field"] == "password"
    assert "This is not your password." in page.text
    assert User.objects.get(pk=alice.pk).email == alice.email


def test_a_taken_name_is_refused_and_nothing_typed_is_lost(here: Client, alice: User) -> None:
    UserFactory(username="Bob")

    bob = {"username": "bob", "email": "new@example.org", "password": PASSWORD}
    answer = here.post("/account/profile/", bob)

    assert answer.status_code == 400
    assert 'value="bob"' in answer.text
    assert 'value="new@example.org"' in answer.text
    assert "You are signed in as alice." in answer.text
    alice.refresh_from_db()
    assert alice.username == "alice"


def test_ones_own_name_may_change_its_case(here: Client, alice: User) -> None:
    here.post("/account/profile/", {"username": "Alice", "email": alice.email})

    alice.refresh_from_db()
    assert alice.username == "Alice"


def test_a_name_that_was_taken_meanwhile_is_refused(alice: User) -> None:
    form = ProfileForm({"username": "mara", "email": alice.email}, instance=alice)
    assert form.is_valid()
    UserFactory(username="mara")

    assert not form.save_if_free()

    assert form.errors["username"] == ["A user with that username already exists."]


def test_who_has_no_password_gets_no_name_here(client: Client) -> None:
    visitor = make_visitor()
    client.force_login(visitor)

    answer = client.post("/account/profile/", {"username": "mara", "email": ""})

    assert answer["Location"] == "/sign-up/"
    assert "/account/profile/" not in client.get("/account/").text
    assert User.objects.get(pk=visitor.pk).username == visitor.username


def test_a_chosen_language_follows_the_person_into_every_browser(here: Client, alice: User) -> None:
    here.post("/language/", {"language": "de", "next": "/account/"})
    elsewhere = Client()
    elsewhere.force_login(alice)

    assert speaks(elsewhere.get("/practice/", headers={"accept-language": "en"})) == "de"


def test_the_choice_can_be_left_to_the_browser_again(here: Client, alice: User) -> None:
    Preferences.objects.create(person=alice, language="en")
    assert speaks(here.get("/account/", headers=GERMAN)) == "en"

    here.post("/language/", {"language": ""})

    assert speaks(here.get("/account/", headers=GERMAN)) == "de"


def test_a_visitors_choice_stays_with_the_browser(client: Client, alice: User) -> None:
    answer = client.post("/language/", {"language": "de", "next": "/sign-in/?next=/resume/"})

    assert answer["Location"] == "/sign-in/?next=/resume/"
    assert speaks(client.get("/sign-in/")) == "de"
    assert answer.cookies["django_language"]["max-age"] >= 30 * 24 * 3600
    assert not Preferences.objects.exists()


def test_a_persons_choice_counts_before_the_browsers(client: Client, alice: User) -> None:
    client.post("/language/", {"language": "de"})
    Preferences.objects.create(person=alice, language="en")
    client.force_login(alice)

    assert speaks(client.get("/account/")) == "en"


@pytest.mark.parametrize("sent", [{"language": "fr"}, {"language": "../x"}])
def test_an_unknown_language_changes_nothing(
    sent: dict[str, str], here: Client, alice: User
) -> None:
    assert here.post("/language/", sent)["Location"] == "/"

    assert not Preferences.objects.exists()


def test_the_switch_leads_to_no_other_site(client: Client) -> None:
    answer = client.post("/language/", {"language": "de", "next": "https://evil.example/"})

    assert answer["Location"] == "/"


def test_visitors_see_a_switch_and_members_the_setting(client: Client, alice: User) -> None:
    assert 'value="de" lang="de">Deutsch</button>' in client.get("/").text
    assert 'value="en" lang="en">English</button>' in client.get("/", headers=GERMAN).text
    client.force_login(alice)

    assert "Deutsch</button>" not in client.get("/").text
    assert 'name="language"' in client.get("/account/").text


def test_a_page_asks_no_more_often_for_the_language(
    here: Client, alice: User, django_assert_num_queries: Any
) -> None:
    Preferences.objects.create(person=alice, language="de")

    with django_assert_num_queries(3):  # session, person, and whether they have a key of their own
        here.get("/")


def test_the_interview_keeps_its_own_language(here: Client, alice: User) -> None:
    Preferences.objects.create(person=alice, language="de")

    page = here.get("/practice/new/").text

    assert '<option value="de" selected>Deutsch</option>' in page
    assert '<option value="en">English</option>' in page


def test_the_settings_lead_to_everything(here: Client, settings: Settings) -> None:
    page = here.get("/account/").text

    for path in ("/resume/", "/password/", "/api/v1/me/account/", "/account/delete/"):
        assert f'href="{path}"' in page

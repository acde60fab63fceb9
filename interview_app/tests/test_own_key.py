"""A key of one's own at each door: API, account page, export, privacy page, admin."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Callable
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from interview_app.accounts import check_key, delete_account
from interview_app.public_ids import public_id_of
from interview_app.services import start_session
from operations.models import Operation, OwnKey, ProviderPause
from operations.services import save_own_key
from operations.tests.api_client import api_client, assert_problem, grant
from operations.tests.conftest import drain_until_idle
from operations.tests.factories import ProviderPauseFactory, UserFactory, WorkerHeartbeatFactory
from operations.tests.fault_server import FaultServer

PATH, CHECK = "/api/v1/me/api-key/", "/api/v1/me/api-key/check/"
KEY = "plain-words-as-a-key-of-alice-wxyz"
HINT = "…wxyz"
OFFERED = "https://api.example.org/v1"


@pytest.fixture
def provider(settings: Settings) -> Any:
    with FaultServer() as server:
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.port}/v1"
        settings.OPENAI_API_KEY = "sk-proj-a-key-for-tests-only"
        yield server


@pytest.mark.django_db
def test_a_key_is_saved_shown_as_a_hint_replaced_and_deleted(alice: User) -> None:
    api = api_client(alice)
    nothing = {"configured": False, "hint": None, "base_url": None}
    assert api.get(PATH).json() == nothing

    saved = api.put(PATH, {"key": f"  {KEY}\n"})
    assert (saved.status_code, saved.json()) == (200, {"configured": True, "hint": HINT})
    assert api.get(PATH).json() == {**nothing, "configured": True, "hint": HINT}
    assert api.put(PATH, {"key": f"{KEY}-2222"}).json()["hint"] == "…2222"
    assert KEY not in OwnKey.objects.get().encrypted

    assert [api.delete(PATH).status_code for _ in range(2)] == [204, 204]
    assert api.get(PATH).json() == nothing


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "key"),
        ({"key": ""}, "key"),
        ({"key": None}, "key"),
        ({"key": ["k" * 20]}, "key"),
        ({"key": "k" * 513}, "key"),
        ({"key": f"{KEY}\r\nX-Injected: 1"}, "key"),
        ({"key": f"{KEY}\x00"}, "key"),
        ({"key": KEY, "base_url": "https://elsewhere.example/v1"}, "base_url"),
        ({"key": KEY, "base_url": f"{OFFERED}/../../"}, "base_url"),
        ({"key": KEY, "base_url": 7.5}, "base_url"),
    ],
)
def test_what_cannot_be_used_is_refused_naming_the_field(
    body: Any, field: str, alice: User, settings: Settings
) -> None:
    settings.OWN_KEY_BASE_URLS = [OFFERED]

    answer = api_client(alice).put(PATH, body)

    problem = assert_problem(answer, 400, "VALIDATION_ERROR")
    assert [each["field"] for each in problem["errors"]] == [field]
    assert KEY not in answer.text
    assert not OwnKey.objects.exists()


@pytest.mark.django_db
def test_an_address_of_the_list_is_kept(alice: User, settings: Settings) -> None:
    settings.OWN_KEY_BASE_URLS = [OFFERED]
    api = api_client(alice)

    assert api.put(PATH, {"key": KEY, "base_url": OFFERED}).status_code == 200

    assert api.get(PATH).json()["base_url"] == OFFERED


@pytest.mark.django_db
def test_nothing_is_checked_without_a_key(alice: User) -> None:
    assert_problem(api_client(alice).post(CHECK), 409, "NO_API_KEY")


def meanwhile(do: Callable[[], None]) -> threading.Thread:
    """What a worker does beside the request: on a connection of its own."""

    def alone() -> None:
        try:
            do()
        finally:
            connection.close()

    thread = threading.Thread(target=alone)
    thread.start()
    return thread


def work_off() -> None:
    for _ in range(200):
        drain_until_idle()
        if Operation.objects.filter(status__in=("completed", "failed")).exists():
            return


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("plays", "ok", "code"),
    [("ok", True, None), ("auth_invalid_api_key", False, "INVALID_API_KEY")],
)
def test_a_check_waits_for_its_outcome(
    plays: str, ok: bool, code: str | None, alice: User, provider: FaultServer
) -> None:
    save_own_key(person=alice, key=KEY)
    provider.playing = plays
    WorkerHeartbeatFactory()
    worker = meanwhile(work_off)

    answer = api_client(alice).post(CHECK)

    worker.join(60)
    body = answer.json()
    assert (answer.status_code, body["ok"]) == (200, ok)
    assert (body["error"] and body["error"]["code"]) == code
    operation = Operation.objects.get()
    assert (operation.kind, operation.subject_id) == ("key_check", str(public_id_of(alice)))
    if code:
        assert body["error"]["message"].startswith("We could not use your own key: the AI")


@pytest.mark.django_db(transaction=True)
def test_a_check_that_nobody_does_is_answered_with_its_operation(alice: User) -> None:
    save_own_key(person=alice, key=KEY)
    key = {"idempotency-key": "once"}

    first, again = (api_client(alice).post(CHECK, headers=key) for _ in range(2))

    operation = Operation.objects.get()
    assert (first.status_code, first.json()["id"]) == (202, str(operation.pk))
    assert first.json()["subject"] == {"type": "user", "id": str(public_id_of(alice))}
    assert first["Location"] == f"/api/v1/operations/{operation.pk}/"
    assert "Retry-After" in first
    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()


@pytest.fixture
def page(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


@pytest.mark.django_db
def test_the_page_saves_shows_and_deletes_a_key(page: Client) -> None:
    assert "Save the key" in page.get("/account/").text

    saved = page.post("/account/key/", {"key": KEY}, follow=True)

    assert "Your key is saved" in saved.text
    assert HINT in saved.text
    assert "api.openai.com" in saved.text
    assert KEY not in saved.text
    deleted = page.post("/account/key/delete/", follow=True)
    assert "Your key is deleted" in deleted.text
    assert HINT not in deleted.text


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sent", [{"key": f"{KEY} x"}, {"key": KEY, "base_url": "http://127.0.0.1/v1"}]
)
def test_the_page_says_why_a_key_is_refused_and_does_not_show_it(
    sent: dict[str, str], page: Client
) -> None:
    refused = page.post("/account/key/", sent)

    assert refused.status_code == 400
    assert "error-summary" in refused.text
    assert "plain-words" not in refused.text
    assert not OwnKey.objects.exists()
    assert page.get("/account/key/").headers["Location"] == "/account/"


@pytest.mark.django_db
def test_the_page_offers_the_addresses_of_the_list_alone(
    page: Client, alice: User, settings: Settings
) -> None:
    assert 'name="base_url"' not in page.get("/account/").text
    settings.OWN_KEY_BASE_URLS = [OFFERED]
    assert f'<option value="{OFFERED}">' in page.get("/account/").text

    page.post("/account/key/", {"key": KEY, "base_url": OFFERED})

    assert OwnKey.objects.get().base_url == OFFERED
    assert "<strong>api.example.org</strong>" in page.get("/account/").text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("plays", "words"),
    [("ok", "takes your key"), ("auth_invalid_api_key", "Save a working key in your account")],
)
def test_the_page_tells_what_a_check_found(
    plays: str, words: str, page: Client, alice: User, provider: FaultServer
) -> None:
    save_own_key(person=alice, key=KEY)
    provider.playing = plays
    assert "under way" in page.post("/account/key/check/", follow=True).text

    drain_until_idle()

    shown = page.get("/account/").text
    assert words in shown
    save_own_key(person=alice, key=f"{KEY}-2222")
    assert words not in page.get("/account/").text, "that was another key"


@pytest.mark.django_db
def test_the_page_says_that_a_refused_key_holds_things_up(page: Client, alice: User) -> None:
    save_own_key(person=alice, key=KEY)
    assert "was asked for with it waits" not in page.get("/account/").text

    ProviderPauseFactory(own_key_owner=alice)

    assert "was asked for with it waits" in page.get("/account/").text


@pytest.mark.django_db
def test_checking_nothing_is_told_on_the_page(page: Client) -> None:
    assert "not saved a key" in page.post("/account/key/check/", follow=True).text


@pytest.mark.django_db
def test_what_one_asks_for_uses_the_key_and_nobody_elses_does(alice: User, bob: User) -> None:
    save_own_key(person=alice, key=KEY)

    for person in (alice, bob):
        start_session(owner=person, role="Cook", door="page")

    used = Operation.objects.values_list("owner__username", "own_key")
    assert dict(used) == {"alice": True, "bob": False}


@pytest.mark.django_db
def test_nobody_elses_key_is_seen_checked_or_deleted(alice: User, bob: User) -> None:
    save_own_key(person=alice, key=KEY)
    api = api_client(bob)

    assert api.get(PATH).json()["configured"] is False
    assert api.post(CHECK).status_code == 409
    assert api.delete(PATH).status_code == 204
    assert OwnKey.objects.get().owner == alice


@pytest.mark.django_db
def test_the_export_holds_the_hint_alone(alice: User) -> None:
    save_own_key(person=alice, key=KEY)

    answer: Any = api_client(alice).get("/api/v1/me/account/")

    with zipfile.ZipFile(BytesIO(b"".join(answer.streaming_content))) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert json.loads(texts["account.json"])["own_key"]["hint"] == HINT
    secrets = (KEY, OwnKey.objects.get().encrypted)
    assert not any(secret in text for text in texts.values() for secret in secrets)


@pytest.mark.django_db
def test_the_key_goes_with_the_account(alice: User) -> None:
    save_own_key(person=alice, key=KEY)
    check_key(alice, door="api")
    ProviderPauseFactory(own_key_owner=alice)

    delete_account(person=alice, actor=alice, door="page")

    assert not OwnKey.objects.exists()
    assert not ProviderPause.objects.exists()
    assert Operation.objects.get().status == "cancelled"


@pytest.mark.django_db
def test_privacy_page_says_who_gets_what_is_sent_with_the_key(
    page: Client, alice: User, settings: Settings
) -> None:
    assert "own" not in page.get("/privacy/").text.partition("<dl>")[0].partition("<h1>")[2]
    settings.OWN_KEY_BASE_URLS = [OFFERED]
    save_own_key(person=alice, key=KEY, base_url=OFFERED)

    told = page.get("/privacy/").text

    assert "an API key of your own" in told
    assert "<strong>api.example.org</strong>" in told
    assert "an API key of your own" not in Client().get("/privacy/").text


@pytest.mark.django_db
def test_who_has_a_key_is_not_told_that_the_interviewer_is_simulated(
    page: Client, alice: User
) -> None:
    assert "Simulated interviewer." in page.get("/account/").text

    save_own_key(person=alice, key=KEY)

    assert "Simulated interviewer." not in page.get("/account/").text
    assert "Simulated interviewer." in Client().get("/").text


@pytest.mark.django_db
def test_an_operator_sees_that_there_is_one_and_may_delete_it(alice: User, client: Client) -> None:
    save_own_key(person=alice, key=KEY)
    ProviderPauseFactory(own_key_owner=alice)
    token = OwnKey.objects.get().encrypted
    clerk: User = UserFactory(is_staff=True)
    client.force_login(grant(clerk, "view_ownkey"))
    row = f"/admin/operations/ownkey/{alice.pk}"

    pages = [client.get(path) for path in ("/admin/operations/ownkey/", f"{row}/change/")]

    assert all(HINT in each.text for each in pages)
    assert not any(secret in each.text for each in pages for secret in (KEY, token))
    assert client.post(f"{row}/delete/", {"post": "yes"}).status_code == 403
    client.force_login(grant(clerk, "delete_ownkey"))
    assert client.post(f"{row}/delete/", {"post": "yes"}).status_code == 302
    assert not OwnKey.objects.exists()
    assert ProviderPause.objects.get().resumed_by == clerk


@pytest.mark.django_db
def test_a_dump_holds_no_key(alice: User) -> None:
    save_own_key(person=alice, key=KEY)
    out = StringIO()

    call_command("dumpdata", stdout=out)

    assert OwnKey.objects.get().encrypted in out.getvalue()
    assert KEY not in out.getvalue()

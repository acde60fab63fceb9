"""Nobody guesses for long at any door, nobody is locked out for long by somebody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from operations.limits.rules import OWN_PASSWORD, REFUSED_TOKEN, SIGN_IN, SIGN_UP, UPLOAD
from operations.models import Limit
from operations.tests.api_client import api_client, assert_problem, grant
from operations.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

PASSWORD = "three green bicycles"
LONGEST_WAIT_SECONDS = 15 * 60


@pytest.fixture(autouse=True)
def limits_on(settings: Settings) -> None:
    settings.API_THROTTLES = True
    settings.TRUSTED_PROXY_COUNT = 1


@pytest.fixture
def mara() -> User:
    return person("mara", is_staff=True, is_superuser=True)


def person(username: str, **fields: Any) -> User:
    made: User = UserFactory(username=username, **fields)
    made.set_password(PASSWORD)
    made.save()
    return made


def by_page(client: Client, username: str, password: str, **headers: str) -> Any:
    fields = {"username": username, "password": password}
    return client.post(reverse("login"), fields, headers=headers)


def by_admin(client: Client, username: str, password: str, **headers: str) -> Any:
    fields = {"username": username, "password": password, "next": "/admin/"}
    return client.post(reverse("admin:login"), fields, headers=headers)


def by_api(client: Client, username: str, password: str, **headers: str) -> Any:
    return client.post(
        "/api/v1/auth/login/",
        {"username": username, "password": password},
        content_type="application/json",
        headers=headers,
    )


Door = Callable[..., Any]
DOORS = pytest.mark.parametrize("door", [by_page, by_admin, by_api])


def is_in(response: HttpResponse) -> bool:
    return response.status_code in (200, 302) and (
        "sessionid" in response.cookies or b"token" in response.content[:20]
    )


def guess(door: Door, times: int, address: str = "198.51.100.1", name: str = "mara") -> list[int]:
    return [
        door(Client(), name, f"guess {number}", x_forwarded_for=address).status_code
        for number in range(times)
    ]


@DOORS
def test_guesses_end_and_the_right_password_among_them_too(mara: User, door: Door) -> None:
    assert 429 not in guess(door, SIGN_IN.most)

    refused = door(Client(), "mara", PASSWORD, x_forwarded_for="198.51.100.1")

    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= LONGEST_WAIT_SECONDS


@DOORS
def test_who_is_refused_is_told_when(mara: User, door: Door) -> None:
    guess(door, SIGN_IN.most)

    refused = door(Client(), "mara", "guess", x_forwarded_for="198.51.100.1")

    assert "Too many tries. Please try again in 5 minutes." in refused.content.decode()


def test_doors_share_one_count(mara: User) -> None:
    guess(by_page, SIGN_IN.most // 2)
    guess(by_api, SIGN_IN.most // 2)

    assert guess(by_admin, 1) == [429]


def test_a_name_is_one_name_however_it_is_written(mara: User) -> None:
    guess(by_page, SIGN_IN.most)

    assert guess(by_page, 1, name="MARA") == [429]
    assert guess(by_page, 1, name="ｍａｒａ") == [429]


def test_nothing_is_hashed_for_who_is_refused(mara: User, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    guess(by_page, SIGN_IN.most)
    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    guess(by_page, 5)
    guess(by_page, 1, address="198.51.100.2")

    assert len(hashed) == 1


def test_an_unknown_name_is_refused_as_a_known_one(mara: User) -> None:
    assert guess(by_page, 12, name="nobody") == guess(by_page, 12, name="mara")


def test_one_address_does_not_try_many_accounts(mara: User) -> None:
    tried = [guess(by_api, 1, name=f"victim{number}")[0] for number in range(60)]

    assert tried.count(401) <= 31


@DOORS
def test_a_stranger_does_not_keep_the_owner_out(mara: User, door: Door) -> None:
    guess(door, 40)

    assert is_in(door(Client(), "mara", PASSWORD, x_forwarded_for="203.0.113.7"))


def test_many_strangers_do_not_keep_a_known_browser_out(mara: User) -> None:
    browser = Client()
    assert is_in(by_page(browser, "mara", PASSWORD, x_forwarded_for="203.0.113.7"))
    browser.post(reverse("logout"))
    for number in range(5):
        guess(by_page, 10, address=f"198.51.100.{number}")

    assert guess(by_page, 1, address="198.51.100.99") == [429]
    assert is_in(by_page(browser, "mara", PASSWORD, x_forwarded_for="192.0.2.80"))
    assert is_in(by_api(Client(), "mara", PASSWORD, x_forwarded_for="203.0.113.7"))


def test_new_browser_waits_at_most_a_quarter_of_an_hour_after_an_attack(mara: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for number in range(20):
            guess(by_page, 20, address=f"198.51.100.{number}")
        wait = int(by_page(Client(), "mara", PASSWORD, x_forwarded_for="192.0.2.8")["Retry-After"])
        assert wait <= LONGEST_WAIT_SECONDS
        clock.shift(wait)

        assert is_in(by_page(Client(), "mara", PASSWORD, x_forwarded_for="192.0.2.8"))


def test_a_known_browser_guesses_no_better_than_others(mara: User) -> None:
    browser = Client()
    by_page(browser, "mara", PASSWORD)
    browser.post(reverse("logout"))

    tried = [by_page(browser, "mara", f"guess {number}").status_code for number in range(12)]

    assert tried[-1] == 429


def test_a_stranger_at_the_same_address_does_not_keep_a_known_browser_out(mara: User) -> None:
    browser = Client()
    by_page(browser, "mara", PASSWORD)
    browser.post(reverse("logout"))
    for number in range(70):
        by_page(Client(), "mara", f"guess {number}")

    assert is_in(by_page(browser, "mara", PASSWORD))


def test_a_known_browser_that_travels_guesses_no_better_either(mara: User) -> None:
    browser = Client()
    by_page(browser, "mara", PASSWORD)
    browser.post(reverse("logout"))

    tried = [
        by_page(browser, "mara", "guess", x_forwarded_for=f"192.0.2.{number}").status_code
        for number in range(12)
    ]

    assert tried[-1] == 429


def test_a_mark_of_one_account_helps_with_no_other(mara: User) -> None:
    browser = Client()
    by_page(browser, person("eve").username, PASSWORD)
    browser.post(reverse("logout"))
    for number in range(5):
        guess(by_page, 10, address=f"198.51.100.{number}")

    assert by_page(browser, "mara", "guess").status_code == 429


def test_right_passwords_do_not_use_up_tries(mara: User) -> None:
    for _ in range(SIGN_IN.most + 5):
        assert is_in(by_page(Client(), "mara", PASSWORD))


def test_right_passwords_are_not_hashed_for_ever_either(mara: User) -> None:
    statuses = [by_api(Client(), "mara", PASSWORD).status_code for _ in range(65)]

    assert 429 in statuses


@pytest.mark.parametrize("is_api", [True, False], ids=["api", "page"])
def test_signing_up_is_limited_by_address(is_api: bool) -> None:
    def sign_up(number: int) -> int:
        name = f"new{number}"
        if is_api:
            body = {"username": name, "password": PASSWORD}
            return api_client().post("/api/v1/auth/register/", body).status_code
        fields = {"username": name, "password1": PASSWORD, "password2": PASSWORD}
        return Client().post(reverse("sign_up"), fields).status_code

    statuses = [sign_up(number) for number in range(SIGN_UP.most + 3)]

    assert statuses[-3:] == [429, 429, 429]
    assert User.objects.count() == SIGN_UP.most


def test_refused_sign_up_says_nothing_about_names(mara: User) -> None:
    fields = {"username": "mara", "password1": PASSWORD, "password2": PASSWORD}
    for _ in range(SIGN_UP.most):
        Client().post(reverse("sign_up"), fields)

    refused = Client().post(reverse("sign_up"), fields)

    assert refused.status_code == 429
    assert "already exists" not in refused.content.decode()


def test_refused_tokens_are_counted_and_good_ones_pass(mara: User) -> None:
    good, bad = api_client(mara), api_client()
    bad.credentials(HTTP_AUTHORIZATION="Token ip_guess")
    statuses = [bad.get("/api/v1/me/").status_code for _ in range(REFUSED_TOKEN.most + 2)]

    assert statuses[0] == 401
    assert_problem(bad.get("/api/v1/me/"), 429, "THROTTLED")
    assert good.get("/api/v1/me/").status_code == 200


@pytest.mark.parametrize("path", ["/password/", "/sign-out/everywhere/"])
def test_own_password_is_not_guessed_in_a_browser_left_open(mara: User, path: str) -> None:
    client = Client()
    client.force_login(mara)

    def attempt() -> Any:
        guessed = {"old_password": "guess", "password": "guess"}
        return client.post(path, {**guessed, "new_password1": "a", "new_password2": "a"})

    for _ in range(OWN_PASSWORD.most):
        assert attempt().status_code in (200, 400)
    refused = attempt()
    assert refused.status_code == 429
    assert "Too many tries. Please try again in 5 minutes." in refused.content.decode()


def test_own_password_is_not_guessed_by_api_either(mara: User) -> None:
    client = api_client(mara)
    body = {"password": "guess"}
    for _ in range(OWN_PASSWORD.most):
        assert_problem(
            client.post("/api/v1/auth/logout-everywhere/", body), 400, "VALIDATION_ERROR"
        )

    assert_problem(client.post("/api/v1/auth/logout-everywhere/", body), 429, "THROTTLED")


def test_the_admin_has_no_second_door_to_the_own_password(mara: User) -> None:
    client = Client()
    client.force_login(mara)

    response = client.get(reverse("admin:password_change"))

    assert response["Location"] == "/password/"


@pytest.mark.parametrize("is_api", [True, False], ids=["api", "page"])
def test_files_are_limited_and_what_was_typed_stays(mara: User, is_api: bool) -> None:
    client = api_client(mara)
    client.force_login(mara)
    file = ("resume.txt", b"Ran nine roll-outs.", "text/plain")

    def send() -> Any:
        upload = _upload(*file)
        if is_api:
            return client.put("/api/v1/me/resume/", {"file": upload}, format="multipart")
        fields = {"role": "Cook", "job_description": "Soups.", "resume_file": upload}
        return client.post(reverse("new_practice"), fields, format="multipart")

    for _ in range(UPLOAD.most):
        assert send().status_code != 429
    refused = send()
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) <= UPLOAD.every_seconds
    assert is_api or "Soups." in refused.content.decode()


def _upload(name: str, data: bytes, kind: str) -> Any:
    return SimpleUploadedFile(name, data, kind)


def test_operator_sees_and_clears_a_limit(mara: User) -> None:
    guess(by_page, SIGN_IN.most + 1, name="victim")
    victim = person("victim")
    client = Client()
    client.force_login(mara)

    listed = client.get(reverse("admin:operations_limit_changelist")).content.decode()
    page = client.get(reverse("admin:auth_user_change", args=[victim.pk])).content.decode()
    assert "wrong passwords of an account from an address" in listed
    assert re.search("wrong passwords of an account from an address: (29[0-9]|300) s", page)
    assert "victim" not in listed

    chosen = {"action": "let_try_again", "_selected_action": victim.pk}
    answer = client.post(reverse("admin:auth_user_changelist"), chosen, follow=True)

    assert "Limits cleared: 3." in answer.content.decode()
    assert is_in(by_page(Client(), "victim", PASSWORD, x_forwarded_for="198.51.100.1"))


def test_clearing_from_the_list_needs_its_permission(mara: User) -> None:
    guess(by_page, SIGN_IN.most + 1, name="victim")
    limit = Limit.objects.get(refusals=1)
    looker = grant(person("looker", is_staff=True), "view_limit")
    clearer = grant(person("clearer", is_staff=True), "view_limit", "clear_limit")

    for operator, cleared in ((looker, False), (clearer, True)):
        client = Client()
        client.force_login(operator)
        chosen = {"action": "let_try_again", "_selected_action": limit.pk}
        client.post(reverse("admin:operations_limit_changelist"), chosen)
        limit.refresh_from_db()
        assert (limit.used_until == 0) is cleared


def test_many_starts_are_refused_with_what_was_typed(mara: User, settings: Settings) -> None:
    settings.MAX_UNFINISHED_OPERATIONS_PER_USER = 10_000
    client = Client()
    client.force_login(mara)
    client.post(reverse("new_practice"), {"role": "Cook", **CHOICES})
    Limit.objects.filter(rule="start").update(used_until=4_000_000_000)

    refused = client.post(
        reverse("new_practice"), {"role": "Cook", "job_description": "Soups.", **CHOICES}
    )

    assert refused.status_code == 429
    assert "Soups." in refused.content.decode()
    assert mara.interview_sessions.count() == 1


CHOICES = {
    "seniority": "mid",
    "question_count": "5",
    "interview_type": "mixed",
    "mode": "practice",
    "language": "en",
}

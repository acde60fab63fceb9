"""A forgotten password: who asks learns nothing, and who has the mail sets a new one, once."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from knox.models import AuthToken
from pytest_django import Settings

from interview_app import password_reset
from interview_app.api.tokens import new_token
from interview_app.public_ids import public_id_of
from operations.limits.rules import RESET, RESET_ADDRESS, RESET_MAIL
from operations.tests.factories import UserFactory

# Another thread looks the address up.
pytestmark = pytest.mark.django_db(transaction=True)

FORM = "/password/forgotten/"
OLD, NEW = "three green bicycles", "four blue tricycles"


@pytest.fixture
def mara() -> User:
    made: User = UserFactory(username="mara", email="Mara@example.org")
    made.set_password(OLD)
    made.save()
    return made


def ask(address: str = "mara@example.org", **headers: str) -> Any:
    response = Client().post(FORM, {"email": address}, follow=True, headers=headers)
    until_sent()
    return response


def until_sent() -> None:
    """One thread sends, in turn."""
    password_reset._sending.submit(lambda: None).result(timeout=30)


def link() -> str:
    found = re.search(r"http://testserver(/password/forgotten/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def choose(client: Client, password: str = NEW, **options: Any) -> Any:
    page = client.get(link(), follow=True)
    path = page.redirect_chain[-1][0] if page.redirect_chain else link()
    return client.post(path, {"new_password1": password, "new_password2": password}, **options)


def test_the_link_sets_a_new_password(mara: User) -> None:
    ask()
    (sent,) = mail.outbox

    done = choose(Client(), follow=True)

    mara.refresh_from_db()
    assert (sent.to, sent.subject) == (["Mara@example.org"], "Your new password")
    assert "mara" in sent.body
    assert mara.check_password(NEW)
    assert done.redirect_chain == [("/sign-in/", 302)]
    assert "Your password is changed" in done.text


def test_every_browser_and_token_is_out_with_the_new_password(mara: User) -> None:
    new_token(mara)
    browser = Client()
    browser.force_login(mara)
    ask()

    choose(Client())

    assert browser.get("/account/").status_code == 302
    assert not AuthToken.objects.exists()


def test_the_link_names_nobody_by_number_and_leaves_the_address_at_once(mara: User) -> None:
    ask()

    page = Client().get(link(), follow=True)

    assert str(public_id_of(mara)) in link()
    assert f"/{mara.pk}/" not in link()
    assert page.redirect_chain == [(f"{FORM}{public_id_of(mara)}/", 302)]
    assert page.headers["Cache-Control"].count("no-store") == 1
    assert page.headers["Referrer-Policy"] == "same-origin"


def test_the_links_token_is_in_no_row(mara: User) -> None:
    ask()
    client = Client()
    client.get(link())

    token = link().rstrip("/").rpartition("/")[2]
    assert token not in str(dict(client.session))


def test_it_works_once(mara: User) -> None:
    ask()
    late = Client()
    late.get(link())
    choose(Client())

    again = Client().get(link())
    half_way = late.post(f"{FORM}{public_id_of(mara)}/", {"new_password1": "x"})

    assert (again.status_code, half_way.status_code) == (400, 400)
    assert "This link was used already" in again.text
    mara.refresh_from_db()
    assert mara.check_password(NEW)


def test_it_works_for_an_hour(mara: User, settings: Settings) -> None:
    ask()
    client = Client()
    client.get(link())

    with time_machine.travel(
        timezone.now() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT + 2)
    ):
        late = Client().get(link())
        half_way = client.get(f"{FORM}{public_id_of(mara)}/")

    assert (late.status_code, half_way.status_code) == (400, 400)


def test_a_weak_password_is_refused(mara: User) -> None:
    ask()

    assert choose(Client(), "12345").status_code == 400

    mara.refresh_from_db()
    assert mara.check_password(OLD)


def test_one_persons_link_sets_nobody_elses_password(mara: User) -> None:
    UserFactory(username="bob", email="bob@example.org").set_password(OLD)
    ask("bob@example.org")
    bobs, client = link(), Client()
    client.get(bobs)
    ask()

    token = bobs.rstrip("/").rpartition("/")[2]
    crossed = Client().get(f"{FORM}{public_id_of(mara)}/{token}/")
    in_session = client.get(f"{FORM}{public_id_of(mara)}/")

    assert (crossed.status_code, in_session.status_code) == (400, 400)


def test_a_session_that_somebody_knows_does_not_follow_the_link(mara: User) -> None:
    ask()
    client = Client()
    client.session["planted"] = True
    client.session.save()
    before = client.session.session_key
    client.cookies["sessionid"] = before or ""

    client.get(link())

    assert client.cookies["sessionid"].value != before


@pytest.mark.parametrize(
    "person",
    [None, {"is_active": False}, {"password": None}],
    ids=["nobody", "inactive", "without a password"],
)
def test_who_asks_is_told_the_same_whoever_it_is(person: dict[str, Any] | None, mara: User) -> None:
    if person is not None:
        UserFactory(username="bob", email="bob@example.org", **person)

    known, other = ask(), ask("bob@example.org")

    assert [message.to for message in mail.outbox] == [["Mara@example.org"]]
    assert (known.status_code, known.redirect_chain) == (other.status_code, other.redirect_chain)
    assert without_what_changes(known.text) == without_what_changes(other.text)


def without_what_changes(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)


def test_nothing_about_a_person_is_asked_before_the_answer(mara: User) -> None:
    """What takes time only for known addresses happens in the other thread: the request's own
    statements are the same."""
    counts = {address: statements_of(address) for address in ("mara@example.org", "no@example.org")}

    assert counts["mara@example.org"] == counts["no@example.org"]
    assert not any("auth_user" in sql for sql in counts["mara@example.org"])


def statements_of(address: str) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        Client().post(FORM, {"email": address})
    until_sent()
    return [re.sub(r"'[^']*'|\d+", "?", each["sql"]) for each in queries]


def test_accounts_that_share_an_address_get_a_mail_each(mara: User) -> None:
    UserFactory(username="second", email="mara@example.org").set_password(OLD)

    ask()

    names = [re.findall(r"account (\w+)", str(message.body)) for message in mail.outbox]
    assert sorted(names) == [["mara"], ["second"]]


@pytest.mark.parametrize(
    ("rule", "changing"),
    [(RESET, "nothing"), (RESET_MAIL, "place"), (RESET_ADDRESS, "address")],
    ids=["one inbox from one place", "one inbox from anywhere", "many inboxes from one place"],
)
def test_asking_again_and_again_ends(
    rule: Any, changing: str, mara: User, settings: Settings
) -> None:
    settings.API_THROTTLES, settings.TRUSTED_PROXY_COUNT = True, 1

    def tried(number: int) -> Any:
        address = f"m{number}@example.org" if changing == "address" else "mara@example.org"
        place = f"198.51.100.{number}" if changing == "place" else "198.51.100.1"
        return ask(address, x_forwarded_for=place)

    statuses = [tried(number).status_code for number in range(rule.most)]
    refused = tried(rule.most)

    assert set(statuses) == {200}
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= rule.every_seconds


def test_a_mail_server_that_fails_is_told_to_the_operator_alone(
    mara: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

    with caplog.at_level(logging.ERROR, logger="operations"):
        response = ask()

    assert "a mail with a link is on its way" in response.text
    assert "mail.failed" in caplog.text
    assert "mara" not in caplog.text.lower()


def test_who_comes_while_too_many_wait_is_asked_to_come_back(
    mara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(password_reset.MOST_WAITING):
        assert password_reset._places.acquire(blocking=False)
    try:
        full = ask()
    finally:
        password_reset._places.release(password_reset.MOST_WAITING)

    assert full.status_code == 503
    assert "30" in full["Retry-After"]
    assert ask().status_code == 200


@pytest.mark.parametrize("path", [FORM, f"{FORM}9f0c1a7e-5b1d-4c39-a6c5-1f3f6a0e7d11/"])
def test_without_a_mail_server_there_is_no_such_page(path: str, settings: Settings) -> None:
    settings.PASSWORD_RESET_BY_MAIL = False

    assert Client().get(path).status_code == 404
    assert FORM not in Client().get("/sign-in/").text


def test_the_sign_in_page_leads_there() -> None:
    assert f'href="{FORM}"' in Client().get("/sign-in/").text

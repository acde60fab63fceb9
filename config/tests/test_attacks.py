"""The list of attacks: which tests show each, and those that stand nowhere else. All input is
harmless."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from config.tests.test_who_gets_in import World, table
from interview_app.accounts import check_key
from interview_app.api.tokens import new_token
from interview_app.models import InterviewSession, JobPosting
from interview_app.refusals import UnreadableFile
from interview_app.resume_files import read_resume
from interview_app.tests.factories import (
    DraftFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    JobPostingFactory,
    QuestionFactory,
    ResumeFactory,
    SessionSummaryFactory,
)
from operations import encryption
from operations.models import Operation, OwnKey
from operations.services import save_own_key
from operations.tests.api_client import api_client
from operations.tests.conftest import drain_until_idle
from operations.tests.factories import OperationFactory, UserFactory
from operations.tests.fault_server import FaultServer

pytestmark = pytest.mark.django_db

HERE = "config/tests/test_attacks.py"
APP, ENGINE = "interview_app/tests", "operations/tests"
RESET = f"{APP}/test_password_reset.py"
ATTACKS = {
    "somebody else's object by its id": [
        "config/tests/test_who_gets_in.py::test_everybody_gets_what_the_table_says",
    ],
    "fields that are not offered": [
        f"{APP}/test_api_auth.py::test_nobody_makes_themselves_staff",
        f"{HERE}::test_a_start_takes_no_field_that_is_not_offered",
        f"{HERE}::test_a_posting_takes_no_field_that_is_not_offered",
        f"{HERE}::test_signing_up_takes_no_field_that_is_not_offered",
    ],
    "a token in the address": [
        f"{HERE}::test_a_token_in_the_address_lets_nobody_in",
        "config/tests/test_canaries.py::"
        "test_marked_words_and_secrets_are_where_they_belong_and_nowhere_else",
    ],
    "a form from another site": [
        f"{HERE}::test_no_page_takes_a_form_without_its_token",
        f"{ENGINE}/test_api_problems.py::"
        "test_browser_session_without_csrf_token_may_read_but_not_write",
        "config/tests/test_cors.py::test_no_cookie_goes_with_it",
    ],
    "a session that was planted": [
        f"{HERE}::test_a_planted_session_is_not_the_one_that_is_signed_in",
        f"{RESET}::test_a_session_that_somebody_knows_does_not_follow_the_link",
    ],
    "leading on to another site": [
        f"{APP}/test_pages_accounts.py::test_signing_in_never_leads_to_another_site",
        f"{HERE}::test_no_form_leads_to_another_site",
    ],
    "stored markup": [
        f"{HERE}::test_stored_markup_is_text_on_every_page",
        f"{HERE}::test_markup_in_a_file_name_is_text",
        f"{APP}/test_pages_start.py::test_markup_in_a_role_stays_text",
        f"{APP}/test_admin.py::test_answers_are_shown_as_text_never_as_markup",
        "config/tests/test_middleware.py::test_every_response_forbids_inline_script",
    ],
    "files that unpack to too much": [
        f"{APP}/test_resume_files.py::test_a_zip_bomb_is_refused_unpacked",
        f"{APP}/test_resume_files.py::test_a_bomb_of_tiny_elements_is_refused_unparsed",
    ],
    "files that lead round in a circle": [
        f"{HERE}::test_a_pdf_whose_pages_hold_themselves_is_refused",
    ],
    "line breaks for headers": [
        "config/tests/test_middleware.py::test_request_id_that_is_missing_or_unsafe_is_replaced",
        f"{ENGINE}/test_api_idempotency.py::test_key_that_cannot_be_kept_is_refused",
        f"{ENGINE}/test_credentials.py::test_key_that_cannot_be_a_header_is_refused",
        f"{ENGINE}/test_own_keys.py::test_key_that_cannot_be_sent_is_refused_without_repeating_it",
        f"{APP}/test_own_key.py::test_what_cannot_be_used_is_refused_naming_the_field",
        f"{HERE}::test_a_key_with_a_header_in_it_reaches_no_provider",
    ],
    "an own address for calls towards the inside": [
        f"{HERE}::test_no_address_inside_is_called_for_somebody",
        f"{HERE}::test_an_address_that_got_into_the_row_is_not_called_either",
        f"{ENGINE}/test_own_keys.py::test_only_addresses_of_the_operators_list_are_taken",
        "config/tests/test_environment.py::"
        "test_own_keys_are_offered_no_address_inside_and_none_without_tls",
    ],
    "somebody else's key": [
        f"{APP}/test_own_key.py::test_nobody_elses_key_is_seen_checked_or_deleted",
        f"{ENGINE}/test_own_keys.py::test_refused_own_key_stops_nobody_else_even_with_the_same_key",
        f"{ENGINE}/test_own_keys.py::test_each_call_goes_with_the_key_of_its_owner",
        "config/tests/test_canaries_keys.py::test_a_key_of_ones_own_is_nowhere_in_clear",
    ],
    "guessing passwords": [
        f"{APP}/test_guessing.py::test_guesses_end_and_the_right_password_among_them_too",
        f"{APP}/test_guessing.py::test_doors_share_one_count",
        f"{APP}/test_guessing.py::test_own_password_is_not_guessed_in_a_browser_left_open",
    ],
    "finding out who has an account": [
        f"{APP}/test_api_auth.py::test_wrong_password_and_unknown_name_are_told_alike",
        f"{APP}/test_guessing.py::test_an_unknown_name_is_refused_as_a_known_one",
        f"{HERE}::test_an_unknown_name_costs_as_much_as_a_known_one",
        f"{RESET}::test_who_asks_is_told_the_same_whoever_it_is",
        f"{RESET}::test_nothing_about_a_person_is_asked_before_the_answer",
        f"{HERE}::test_signing_up_tells_nothing_about_addresses",
        # That a name is taken has to be said; how often is limited.
        f"{APP}/test_guessing.py::test_signing_up_is_limited_by_address",
        f"{APP}/test_guessing.py::test_refused_sign_up_says_nothing_about_names",
    ],
    "large and slow bodies": [
        f"{ENGINE}/test_api_problems.py::test_body_over_six_megabytes_is_refused",
        f"{APP}/test_pages_start.py::test_a_body_beyond_the_limit_gets_a_page_that_says_so",
        "config/tests/test_slow_clients.py::test_body_below_the_minimum_rate_is_ended_with_408",
        "config/tests/test_slow_clients.py::test_twelve_idle_bodies_do_not_hold_up_the_site",
    ],
    "deep JSON": [f"{ENGINE}/test_api_problems.py::test_malformed_json_is_refused"],
    "private pages in a cache": [
        f"{APP}/test_pages_every.py::test_own_pages_are_not_kept_by_a_shared_computer",
        f"{ENGINE}/test_api_problems.py::test_no_cache_keeps_an_answer",
        "config/tests/test_middleware.py::test_live_fragment_is_kept_by_no_cache",
    ],
    "somebody else's Idempotency-Key": [
        f"{ENGINE}/test_api_idempotency.py::test_same_key_means_something_else_for_somebody_else",
        f"{ENGINE}/test_api_idempotency.py::test_key_does_not_open_operations_of_others",
    ],
    "running up costs": [
        f"{ENGINE}/test_limits.py::test_starts_of_calls_are_limited_and_a_refused_one_leaves_nothing",
        f"{APP}/test_pages_start.py::test_too_many_unfinished_operations_are_refused_beside_the_text",
        f"{APP}/test_follow_up.py::test_a_session_has_ten_at_most",
    ],
}
MARKUP = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>{{ 7 }}"


@cache
def functions(path: str) -> set[str]:
    tree = ast.parse((Path(django_settings.BASE_DIR) / path).read_text("utf-8"))
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_of_the_list_has_its_tests(attack: str) -> None:
    missing = [
        test
        for test in ATTACKS[attack]
        for path, _, name in [test.partition("::")]
        if name not in functions(path)
    ]

    assert ATTACKS[attack]
    assert missing == []


@pytest.fixture
def alice() -> User:
    made: User = UserFactory(username="alice")
    return made


def test_a_start_takes_no_field_that_is_not_offered(alice: User) -> None:
    bob = UserFactory()
    theirs = {
        "owner": bob.pk,
        "owner_id": bob.pk,
        "attempt_number": 9,
        "status": "finished",
        "finished_at": "2020-01-01T00:00:00Z",
        "id": "9f0c1a7e-5b1d-4c39-a6c5-1f3f6a0e7d11",
        "simulated": False,
    }

    answer = api_client(alice).post("/api/v1/sessions/", {"role": "Cook", **theirs})

    made = InterviewSession.objects.get()
    assert (answer.status_code, made.owner, made.attempt_number) == (201, alice, 1)
    assert (made.finished_at, made.finish_requested_at) == (None, None)
    assert str(made.pk) != theirs["id"]


@pytest.mark.parametrize("method", ["post", "put", "patch"])
def test_a_posting_takes_no_field_that_is_not_offered(method: str, alice: User) -> None:
    bob, path = UserFactory(), "/api/v1/job-postings/"
    if method != "post":
        path += f"{JobPostingFactory(owner=alice).pk}/"
    body = {"title": "Cook", "description": "Soups.", "owner": bob.pk, "owner_id": bob.pk}
    forged = {**body, "id": "9f0c1a7e-5b1d-4c39-a6c5-1f3f6a0e7d11"}

    answer = getattr(api_client(alice), method)(path, forged)

    made = JobPosting.objects.get()
    assert answer.status_code in (200, 201)
    assert made.owner == alice
    assert str(made.pk) != forged["id"]


@pytest.mark.parametrize("door", ["page", "api"])
def test_signing_up_takes_no_field_that_is_not_offered(door: str) -> None:
    rights = {"is_staff": "true", "is_superuser": "true", "is_active": "false", "id": 99}
    if door == "page":
        passwords = {"password1": "three green bicycles", "password2": "three green bicycles"}
        Client().post("/sign-up/", {"username": "eve", **passwords, **rights})
    else:
        body = {"username": "eve", "password": "three green bicycles", **rights}
        api_client().post("/api/v1/auth/register/", body)

    eve = User.objects.get()
    assert (eve.is_staff, eve.is_superuser, eve.is_active) == (False, False, True)
    assert eve.pk != 99


@pytest.mark.parametrize("name", ["token", "access_token", "authorization", "auth", "key"])
def test_a_token_in_the_address_lets_nobody_in(name: str, alice: User) -> None:
    token = new_token(alice)["token"]

    assert Client().get(f"/api/v1/me/?{name}={token}").status_code == 401
    assert Client().get(f"/account/?{name}={token}").status_code == 302


def test_no_page_takes_a_form_without_its_token() -> None:
    world, client = World(), Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="admin"))
    paths = {path for method, path in table() if method == "POST" and "/api/" not in path}
    paths |= {"/sign-in/", "/sign-up/", "/password/forgotten/", "/admin/login/"}

    taken = [path for path in paths if client.post(world._filled(path)).status_code != 403]

    assert len(paths) > 60
    assert taken == []


@pytest.mark.parametrize("path", ["/sign-in/", "/admin/login/"])
def test_a_planted_session_is_not_the_one_that_is_signed_in(path: str) -> None:
    UserFactory(username="root", is_staff=True)
    attacker, victim = Client(), Client()
    session = attacker.session
    session["planted"] = True
    session.save()
    victim.cookies["sessionid"] = session.session_key or ""

    victim.post(path, {"username": "root", "password": "correct horse", "next": "/"})

    attacker.cookies["sessionid"] = session.session_key or ""
    assert victim.get("/account/").status_code == 200
    assert attacker.get("/account/").status_code == 302


ELSEWHERE = ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]


@pytest.mark.parametrize("address", ELSEWHERE)
@pytest.mark.parametrize("verb", ["retry", "cancel", "sign-up", "sign-in"])
def test_no_form_leads_to_another_site(verb: str, address: str, alice: User) -> None:
    client, form = Client(), {"next": address}
    if verb == "sign-up":
        passwords = {"password1": "three green bicycles", "password2": "three green bicycles"}
        path, form = "/sign-up/", {"username": "eve", **passwords, **form}
    elif verb == "sign-in":
        path, form = "/sign-in/", {"username": "alice", "password": "correct horse", **form}
    else:
        client.force_login(alice)
        path = f"/operations/{OperationFactory(owner=alice, failed=verb == 'retry').pk}/{verb}/"

    led_to = client.post(path, form).headers["Location"]

    assert re.fullmatch(r"/practice/(new/)?", led_to)


@pytest.fixture
def marked(alice: User) -> Iterator[InterviewSession]:
    """Markup wherever a person, a file or a provider can put it."""
    posting = JobPostingFactory(
        owner=alice, title=MARKUP, company=MARKUP, description=MARKUP, tech_stack=[MARKUP]
    )
    session = InterviewSessionFactory(
        owner=alice,
        job_posting=posting,
        role=MARKUP,
        job_description=MARKUP,
        resume_text=MARKUP,
        finished=True,
    )
    ResumeFactory(owner=alice, text=MARKUP)
    question = QuestionFactory(session=session, text=MARKUP, competency=MARKUP, why=MARKUP)
    DraftFactory(question=question, text=MARKUP)
    FeedbackFactory(
        answer__question=question,
        answer__text=MARKUP,
        criteria=[{"key": MARKUP, "score": 3.0, "reason": MARKUP}],
        strengths=[{"text": MARKUP, "quote": MARKUP}],
        fixes=[{"criterion": MARKUP, "quote": MARKUP, "why": MARKUP, "try_this": MARKUP}],
        rewrite=MARKUP,
        response_type="story",
        model=MARKUP,
        prompt_version=MARKUP[:40],
    )
    SessionSummaryFactory(
        session=session,
        text=MARKUP,
        by_competency=[{"competency": MARKUP, "score": 3.0}],
        strengths=[MARKUP],
        habits=[MARKUP],
        exercise=MARKUP,
        model=MARKUP,
    )
    OperationFactory(owner=alice, session_id=session.pk, failed=True)
    return session


def pages_of(session: InterviewSession) -> list[str]:
    question = session.questions.get()
    practice = f"/practice/{session.pk}/"
    return [
        "/practice/",
        "/practice/new/",
        f"/practice/new/?from={session.pk}",
        "/resume/",
        practice,
        f"{practice}live/",
        f"{practice}summary/",
        f"{practice}summary/live/",
        f"{practice}delete/",
        f"/questions/{question.pk}/",
        f"/questions/{question.pk}/live/",
    ]


def admin_pages(session: InterviewSession) -> list[str]:
    answer = session.questions.get().answers.get()
    rows = {
        "interview_app/interviewsession": session.pk,
        "interview_app/jobposting": session.job_posting_id,
        "interview_app/resume": session.owner.resume.pk,
        "interview_app/feedback": answer.feedback.pk,
        "interview_app/sessionsummary": session.summary.pk,
        "operations/operation": Operation.objects.get().pk,
    }
    lists = [f"/admin/{path}/" for path in rows]
    return lists + [f"/admin/{path}/{pk}/change/" for path, pk in rows.items()]


def test_stored_markup_is_text_on_every_page(marked: InterviewSession) -> None:
    owner, staff = Client(), Client()
    owner.force_login(marked.owner)
    staff.force_login(UserFactory(is_staff=True, is_superuser=True))

    html = {path: page_of(owner, path) for path in pages_of(marked)}
    html |= {path: page_of(staff, path) for path in admin_pages(marked)}

    assert [
        path for path, page in html.items() if "<img src=x" in page or "alert(2)</s" in page
    ] == []
    assert sum("&lt;img src=x" in page for page in html.values()) > len(html) // 2


def page_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.text


INSIDE = [
    "http://127.0.0.1:8000/v1",
    "http://localhost/v1",
    "http://[::1]/v1",
    "http://2130706433/v1",
    "http://0x7f.1/v1",
    "http://169.254.169.254/latest/meta-data",
    "http://10.0.0.1/v1",
    "https://api.example.org@127.0.0.1/v1",
    "https://api.example.org/v1@127.0.0.1/",
    "https://api.example.org/v1#@127.0.0.1",
    "https://api.example.org/v1/../admin",
    "https://API.example.org/v1",
    "//api.example.org/v1",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
]


@pytest.mark.parametrize("door", ["page", "api"])
@pytest.mark.parametrize("address", INSIDE)
def test_no_address_inside_is_called_for_somebody(
    address: str, door: str, alice: User, settings: Settings
) -> None:
    settings.OWN_KEY_BASE_URLS = ["https://api.example.org/v1"]
    sent = {"key": "a-key-of-alice-for-tests", "base_url": address}
    answer: Any

    if door == "api":
        answer = api_client(alice).put("/api/v1/me/api-key/", sent)
    else:
        client = Client()
        client.force_login(alice)
        answer = client.post("/account/key/", sent)

    assert answer.status_code == 400
    assert "This address is not offered here." in answer.content.decode()
    assert not OwnKey.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_got_into_the_row_is_not_called_either(
    address: str, alice: User, settings: Settings
) -> None:
    settings.OPENAI_API_KEY = "sk-proj-a-key-for-tests-only"
    settings.OPENAI_BASE_URL = "http://127.0.0.1:9/v1"  # nobody listens there
    save_own_key(person=alice, key="a-key-of-alice-for-tests")
    OwnKey.objects.update(base_url=address)
    check_key(alice, door="api")

    with FaultServer() as server:
        settings.OWN_KEY_BASE_URLS = [f"http://127.0.0.1:{server.port}/v1"]
        drain_until_idle()
        assert server.requests() == []

    operation = Operation.objects.get()
    assert (operation.status, operation.error_code) == ("failed", "ENDPOINT_NOT_FOUND")
    assert operation.attempts == 0


@pytest.mark.django_db(transaction=True)
def test_a_key_with_a_header_in_it_reaches_no_provider(alice: User, settings: Settings) -> None:
    """One that came into the row by another way than the doors."""
    save_own_key(person=alice, key="a-key-of-alice-for-tests")
    injected = encryption.encrypt("a-key\r\nX-Injected: yes\r\n\r\nGET / HTTP/1.1")
    OwnKey.objects.update(encrypted=injected)

    with FaultServer() as server:
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.port}/v1"
        check_key(alice, door="api")
        drain_until_idle()
        assert server.requests() == []

    assert Operation.objects.get().error_code == "INVALID_API_KEY"


def test_markup_in_a_file_name_is_text(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    file = SimpleUploadedFile(f"{MARKUP}.pdf", b"%PDF-1.4 no pdf")

    page = client.post("/resume/", {"resume_text": "", "resume_file": file})

    assert page.status_code == 400
    assert "<img src=x" not in page.text


def test_a_pdf_whose_pages_hold_themselves_is_refused() -> None:
    objects = (
        b"1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n",
        b"2 0 obj <</Type/Pages/Kids[2 0 R 3 0 R]/Count 2/Parent 3 0 R>> endobj\n",
        b"3 0 obj <</Type/Pages/Kids[2 0 R]/Count 1/Parent 2 0 R>> endobj\n",
    )
    circle = b"%PDF-1.4\n" + b"".join(objects) + b"trailer <</Root 1 0 R/Size 4>>\n%%EOF"

    with pytest.raises(UnreadableFile):
        read_resume("circle.pdf", circle)


@pytest.mark.parametrize("door", ["/sign-in/", "/admin/login/", "/api/v1/auth/login/"])
def test_an_unknown_name_costs_as_much_as_a_known_one(
    door: str, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashing is what takes the time, two hundred milliseconds of it."""
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    statuses = []
    for name in ("alice", "nobody"):
        body = {"username": name, "password": f"wrong for {name}"}
        client: Any = api_client() if "api" in door else Client()
        statuses.append(client.post(door, body).status_code)

    assert hashed == ["wrong for alice", "wrong for nobody"]
    assert statuses[0] == statuses[1]


def test_signing_up_tells_nothing_about_addresses(alice: User) -> None:
    alice.email = "alice@example.org"
    alice.save()
    body = {"email": "alice@example.org", "password": "three green bicycles"}

    answer = api_client().post("/api/v1/auth/register/", {"username": "eve", **body})

    assert answer.status_code == 201

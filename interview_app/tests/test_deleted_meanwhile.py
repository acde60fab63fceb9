"""An account or a practice is deleted, on another connection, while a request is on its way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.db import connection
from django.test import Client
from knox.models import AuthToken

from interview_app.accounts import delete_account
from interview_app.api.tokens import new_token
from interview_app.models import Answer, InterviewSession, JobPosting, Resume
from interview_app.services import delete_session
from interview_app.tests.factories import (
    AnswerFactory,
    InterviewSessionFactory,
    JobPostingFactory,
    QuestionFactory,
)
from operations.models import IdempotencyKey, Operation
from operations.tests.api_client import api_client, assert_problem

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "correct horse"


@contextmanager
def after_reading(table: str, do: Callable[[], object], *, times: int = 1) -> Iterator[None]:
    """Does it once, in another thread with its own connection, right after this one has read the
    table so many times."""
    left: list[Callable[[], object]] = [do, *[lambda: None] * (times - 1)]

    def watch(execute: Any, sql: str, *rest: Any) -> Any:
        result = execute(sql, *rest)
        if left and sql.startswith("SELECT") and f'FROM "{table}"' in sql:
            thread = threading.Thread(target=_alone, args=[left.pop()])
            thread.start()
            thread.join(30)
        return result

    with connection.execute_wrapper(watch):
        yield
    assert not left, f"{table} was never read"


def _alone(do: Callable[[], object]) -> None:
    try:
        do()
    finally:
        connection.close()


def deletion_of(person: User) -> Callable[[], None]:
    return lambda: delete_account(person=User.objects.get(pk=person.pk), actor=person, door="page")


POSTING = {"title": "Cook", "description": "Soups."}
API = {
    "start": ("post", "sessions/", {"role": "Cook"}),
    "posting": ("post", "job-postings/", POSTING),
    "resume": ("put", "me/resume/", {"text": "Ran kitchens."}),
    "name": ("patch", "me/", {"username": "other"}),
    "account": ("delete", "me/account/", {"password": PASSWORD}),
}


@pytest.mark.parametrize("keyed", [False, True], ids=["plain", "with a key"])
@pytest.mark.parametrize("call", API)
def test_the_api_says_that_nobody_is_signed_in_any_more(
    call: str, keyed: bool, alice: User
) -> None:
    method, path, body = API[call]
    client = api_client()
    client.credentials(HTTP_AUTHORIZATION=f"Token {new_token(alice)['token']}")
    headers = {"idempotency-key": "k"} if keyed else {}

    with after_reading("knox_authtoken", deletion_of(alice)):
        answer = getattr(client, method)(f"/api/v1/{path}", body, headers=headers)

    if call == "account":
        assert answer.status_code == 204
    else:
        assert_problem(answer, 401, "NOT_AUTHENTICATED")
        assert answer["WWW-Authenticate"] == "Token"
    nothing_is_left()


PAGES = {
    "start": (
        "/practice/new/",
        {
            "role": "Cook",
            "seniority": "mid",
            "question_count": 3,
            "interview_type": "mixed",
            "mode": "practice",
            "language": "en",
        },
    ),
    "resume": ("/resume/", {"resume_text": "Ran kitchens."}),
    "password": (
        "/password/",
        {
            "old_password": PASSWORD,
            "new_password1": "four blue tricycles",
            "new_password2": "four blue tricycles",
        },
    ),
    "everywhere": ("/sign-out/everywhere/", {"password": PASSWORD}),
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_leads_to_the_sign_in(page: str, alice: User, client: Client) -> None:
    client.force_login(alice)

    with after_reading("auth_user", deletion_of(alice)):
        answer = client.post(*PAGES[page])

    assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in/")
    assert client.get("/account/").status_code == 302
    nothing_is_left()


@contextmanager
def before_writing(statement: str, do: Callable[[], object]) -> Iterator[None]:
    """Does it once, on another connection, right before this one sends such a statement outside of
    any transaction of its own."""
    left = [do]

    def watch(execute: Any, sql: str, *rest: Any) -> Any:
        if left and sql.startswith(statement):
            thread = threading.Thread(target=_alone, args=[left.pop()])
            thread.start()
            thread.join(30)
        return execute(sql, *rest)

    with connection.execute_wrapper(watch):
        yield
    assert not left, f"{statement} was never sent"


@pytest.mark.parametrize("door", ["page", "api"])
def test_who_was_deleted_while_they_signed_in_is_told_as_anybody_unknown(
    door: str, alice: User, client: Client
) -> None:
    sent = {"username": "alice", "password": PASSWORD}
    answer: Any

    with before_writing('UPDATE "auth_user"', deletion_of(alice)):
        if door == "page":
            answer = client.post("/sign-in/", sent)
        else:
            answer = api_client().post("/api/v1/auth/login/", sent)

    if door == "page":
        assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in/")
    else:
        assert_problem(answer, 401, "AUTHENTICATION_FAILED")
    nothing_is_left()


def test_a_token_for_who_was_deleted_is_not_made(alice: User) -> None:
    """Between the note of the sign-in and the token, whose transaction would wait for ours."""

    def delete(**_: Any) -> None:
        deletion_of(alice)()

    user_logged_in.connect(delete)
    try:
        sent = {"username": "alice", "password": PASSWORD}
        answer = api_client().post("/api/v1/auth/login/", sent)
    finally:
        user_logged_in.disconnect(delete)

    assert_problem(answer, 401, "AUTHENTICATION_FAILED")
    assert not AuthToken.objects.exists()
    nothing_is_left()


def nothing_is_left() -> None:
    assert not User.objects.exists()
    for model in (InterviewSession, JobPosting, Resume, Operation, IdempotencyKey):
        assert not model._base_manager.exists(), model


def test_a_bug_of_ours_is_still_one(alice: User, client: Client) -> None:
    """Only who is gone is told so."""
    client.force_login(alice)
    client.raise_request_exception = False
    twin = JobPostingFactory(owner=alice)

    def clash(execute: Any, sql: str, params: Any, *rest: Any) -> Any:
        if sql.startswith("INSERT") and "jobposting" in sql:
            params = [str(twin.pk.hex), *params[1:]]
        return execute(sql, params, *rest)

    with connection.execute_wrapper(clash):
        answer = client.post("/api/v1/job-postings/", POSTING, content_type="application/json")

    assert answer.status_code == 500


def api_calls(session: InterviewSession) -> dict[str, tuple[str, str, Any]]:
    question = session.questions.get().pk
    return {
        "answer": ("post", f"questions/{question}/answer/", {"text": "No."}),
        "draft": ("patch", f"questions/{question}/draft/", {"text": "I began"}),
        "follow-up": ("post", f"questions/{question}/follow-up/", {}),
        "finish": ("post", f"sessions/{session.pk}/finish/", {}),
        "retake": ("post", f"sessions/{session.pk}/retake/", {}),
        "questions": ("post", f"sessions/{session.pk}/questions/", {}),
        "delete": ("delete", f"sessions/{session.pk}/", {}),
    }


CALLS = ["answer", "draft", "follow-up", "finish", "retake", "questions", "delete"]


@pytest.fixture
def session(alice: User) -> InterviewSession:
    made: InterviewSession = InterviewSessionFactory(owner=alice)
    AnswerFactory(question=QuestionFactory(session=made))
    return made


@pytest.mark.parametrize("call", CALLS)
def test_a_practice_that_was_deleted_is_not_found(
    call: str, session: InterviewSession, alice: User
) -> None:
    method, path, body = api_calls(session)[call]
    of_question = path.startswith("questions/")
    table = "interview_app_question" if of_question else "interview_app_interviewsession"

    with after_reading(table, lambda: delete_session(session=session, actor=alice)):
        answer = getattr(api_client(alice), method)(f"/api/v1/{path}", body)

    if call == "delete":
        assert answer.status_code == 204
    else:
        assert_problem(answer, 404, "NOT_FOUND")
    assert not InterviewSession.objects.exists()
    assert not Operation.objects.exists()


def test_what_was_typed_is_still_on_the_page(
    session: InterviewSession, alice: User, client: Client
) -> None:
    client.force_login(alice)
    page = f"/questions/{session.questions.get().pk}/"

    # The second time is the last thing that the page reads before it writes.
    with after_reading(
        "interview_app_question", lambda: delete_session(session=session, actor=alice), times=2
    ):
        answer = client.post(page, {"text": "I rebuilt the ledger."})

    assert answer.status_code == 404
    assert "deleted meanwhile" in answer.text
    assert "I rebuilt the ledger." in answer.text
    assert not Answer.objects.exists()

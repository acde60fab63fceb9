"""503 while the database takes no writes: what a person typed stays, and the trouble does not."""

from __future__ import annotations

import contextlib
import html
import logging
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from interview_app.models import Answer, Question
from interview_app.tests.factories import QuestionFactory

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "I moved the <night> shift's hand-over & wrote it down.\nIt worked."


@pytest.fixture
def question() -> Question:
    return QuestionFactory()


@pytest.fixture
def visitor(question: Question) -> Client:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(question.session.owner)
    client.get(reverse("home"))
    return client


@contextlib.contextmanager
def only_reading() -> Iterator[None]:
    """This one connection, as to a server that only reads since a fail-over. On PostgreSQL by its
    driver: a server would have told, and been left before anybody wrote. (In test_surroundings one
    does.)"""
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        connection.connection.execute("PRAGMA query_only = 1")
    else:
        connection.connection.read_only = True
    yield
    connection.close()


def token_of(client: Client) -> str:
    return client.cookies["csrftoken"].value


def answer(client: Client, question: Question, **changes: str) -> Any:
    form = {"text": TEXT, "form_key": str(uuid4()), "then": "stay"} | changes
    form.setdefault("csrfmiddlewaretoken", token_of(client))
    return client.post(reverse("question", args=[question.pk]), form)


def fields_of(page: str) -> dict[str, str]:
    inputs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    texts = re.findall(r'<textarea name="(\w+)"[^>]*>\n([^<]*)</textarea>', page)
    return {name: html.unescape(value) for name, value in [*inputs, *texts]}


def test_what_was_typed_stays_and_is_saved_when_it_is_sent_again(
    visitor: Client, question: Question
) -> None:
    with only_reading():
        refused = answer(visitor, question)
        again = visitor.post(
            reverse("question", args=[question.pk]), fields_of(refused.content.decode())
        )

    assert refused.status_code == 503
    assert refused["Retry-After"] == "5"
    assert again.status_code == 302, "the connection that only reads was left"
    assert Answer.objects.get().text == TEXT


def test_program_gets_a_problem_document(visitor: Client, question: Question) -> None:
    with only_reading():
        refused = visitor.post(
            f"/api/v1/questions/{question.pk}/answer/",
            {"text": TEXT},
            content_type="application/json",
            headers={"X-CSRFToken": token_of(visitor)},
        )

    assert refused.status_code == 503
    assert refused["Retry-After"] == "5"
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "DATABASE_UNAVAILABLE"


def test_password_is_not_handed_back(visitor: Client, question: Question) -> None:
    user = question.session.owner
    user.set_password("a long and wise password")
    user.save()
    visitor.force_login(user)
    with only_reading():
        refused = visitor.post(
            reverse("change_password"),
            {
                "old_password": "a long and wise password",
                "new_password1": "a longer and wiser password",
                "new_password2": "a longer and wiser password",
                "csrfmiddlewaretoken": token_of(visitor),
            },
        )

    assert refused.status_code == 503
    assert "wise" not in refused.content.decode()
    assert "<button" not in refused.content.decode(), "without it, it cannot be sent again"


def test_file_cannot_be_handed_back(visitor: Client) -> None:
    file = SimpleUploadedFile("resume.txt", b"Ran a night shift of twelve people for two years.")
    form = {"resume_file": file, "csrfmiddlewaretoken": token_of(visitor)}
    with only_reading():
        refused = visitor.post(reverse("my_resume"), form)

    assert refused.status_code == 503
    assert "<button" not in refused.content.decode()


def test_session_that_cannot_be_saved_is_no_fault_of_the_view(
    visitor: Client, settings: Settings
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    with only_reading():
        refused = visitor.get(reverse("home"))

    assert refused.status_code == 503
    assert refused["Retry-After"] == "5"


def test_error_page_that_needs_the_database_gives_way(visitor: Client) -> None:
    with connection.execute_wrapper(_locked):
        refused = visitor.get("/no/such/page/")

    assert refused.status_code == 503


def test_it_is_told_once_a_minute_without_a_stack_trace(
    visitor: Client, question: Question, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        with only_reading():
            answer(visitor, question)

    told: list[Any] = [each.msg for each in caplog.records if each.levelno >= logging.WARNING]
    assert [each["event"] for each in told if "database" in each["event"]] == [
        "http.database_trouble"
    ]
    assert not any(record.exc_info for record in caplog.records)


def test_process_is_alive_whatever_the_database_says(visitor: Client) -> None:
    """With a cookie too: who is signed in is asked for the log alone."""
    with connection.execute_wrapper(_locked):
        response = visitor.get("/healthz")

    assert response.status_code == 200


def _locked(*_: object) -> None:
    raise OperationalError("the database is locked")

"""The same interview once more, over API and page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from interview_app.forms import KeyedForm
from interview_app.models import InterviewSession
from interview_app.tests.factories import (
    InterviewSessionFactory,
    JobPostingFactory,
    QuestionFactory,
    ResumeFactory,
)
from operations.models import Operation
from operations.tests.api_client import api_client, assert_problem

pytestmark = pytest.mark.django_db

COPIED = (
    "owner_id",
    "role",
    "job_description",
    "job_posting_id",
    "resume_text",
    "seniority",
    "question_count",
    "interview_type",
    "mode",
    "language",
)


@pytest.fixture
def session(alice: User) -> InterviewSession:
    made: InterviewSession = InterviewSessionFactory(
        owner=alice,
        job_posting=JobPostingFactory(owner=alice, description="It was changed since."),
        job_description="As it was.",
        resume_text="",
        seniority="lead",
        question_count=3,
        interview_type="technical",
        mode="real",
        finished=True,
        german=True,
        attempt_number=2,
    )
    QuestionFactory(session=made)
    ResumeFactory(owner=alice, text="Stored since.")
    return made


def path(session: InterviewSession) -> str:
    return f"/api/v1/sessions/{session.pk}/retake/"


def test_a_retake_begins_anew_with_what_the_session_kept(
    alice: User, session: InterviewSession
) -> None:
    response = api_client(alice).post(path(session))

    body, made = response.json(), session.retakes.get()
    assert (response.status_code, body["id"]) == (201, str(made.pk))
    assert response["Location"].endswith(f"/api/v1/sessions/{made.pk}/")
    assert (body["attempt_number"], body["status"], body["questions"]) == (3, "preparing", [])
    assert body["operation"]["subject"] == {"type": "session", "id": str(made.pk)}
    assert {name: getattr(made, name) for name in COPIED} == {
        name: getattr(session, name) for name in COPIED
    }
    assert Operation.objects.get().events.get().door == "api"


def test_a_retake_sent_twice_with_one_key_is_one(alice: User, session: InterviewSession) -> None:
    client = api_client(alice)
    first, second = (client.post(path(session), headers={"idempotency-key": "k"}) for _ in "ab")

    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"
    assert session.retakes.count() == 1


def test_somebody_elses_session_cannot_be_retaken(bob: User, session: InterviewSession) -> None:
    assert_problem(api_client(bob).post(path(session)), 404, "NOT_FOUND")
    assert not session.retakes.exists()


def test_whoever_has_too_much_unfinished_waits(
    alice: User, session: InterviewSession, settings: Settings
) -> None:
    settings.MAX_UNFINISHED_OPERATIONS_PER_USER = 0

    assert_problem(api_client(alice).post(path(session)), 429, "TOO_MANY_OPERATIONS")
    assert not session.retakes.exists()


def test_the_pages_button_starts_one_however_often_it_is_clicked(
    client: Client, alice: User, session: InterviewSession
) -> None:
    client.force_login(alice)
    page = client.get(reverse("session", args=[session.pk]))
    form = page.context["retake"]
    assert isinstance(form, KeyedForm)
    assert str(form.initial["form_key"]) in page.text
    button = reverse("retake_session", args=[session.pk])

    answers = [client.post(button, {"form_key": form.initial["form_key"]}) for _ in range(2)]

    made = session.retakes.get()
    assert [answer["Location"] for answer in answers] == [reverse("session", args=[made.pk])] * 2


def test_the_page_tells_why_not(
    client: Client, alice: User, session: InterviewSession, settings: Settings
) -> None:
    settings.MAX_UNFINISHED_OPERATIONS_PER_USER = 0
    client.force_login(alice)

    page = client.post(reverse("retake_session", args=[session.pk]), follow=True)

    assert page.redirect_chain == [(reverse("session", args=[session.pk]), 302)]
    assert "message error" in page.text

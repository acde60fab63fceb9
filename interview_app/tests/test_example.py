"""What a visitor sees before there is an account: the example, and a practice at once."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import serializers
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from interview_app.accounts import is_visitor
from interview_app.example import FILE, finished_example
from interview_app.models import Answer, Feedback, InterviewSession, Question, SessionSummary
from interview_app.services import finish_session, save_answer, start_session
from interview_app.tests.engine import run_what_is_due
from interview_app.tests.samples import (
    BILLING_POSTING,
    FOLDER,
    MARA_RESUME,
    STRONG_ANSWER,
)
from interview_app.tests.switched_provider import kind_of, switched_provider
from operations.models import Operation
from operations.tests.factories import UserFactory

SCRIPT = json.loads((FOLDER.parent / "example.json").read_text("utf-8"))
MODELS = (InterviewSession, Question, Answer, Feedback, SessionSummary)
OF_THE_MOMENT = re.compile(
    r"(?:^id|^pk|_at|_key|^owner|^session|^question|^answer|^operation|^model|^content_hash)$"
)


def scripted(request: dict[str, Any]) -> object:
    """What the script's interviewer says: to an answer, what belongs to it."""
    replies = SCRIPT[kind_of(request)]
    if kind_of(request) != "feedback_analysis":
        return replies
    asked = request["messages"][-1]["content"]
    pairs = zip(SCRIPT["answers"], replies, strict=True)
    return next(reply for answer, reply in pairs if answer in asked)


def practised() -> InterviewSession:
    session, _ = start_session(
        owner=UserFactory(),
        role="Senior Backend Engineer (Billing)",
        job_description=BILLING_POSTING,
        resume_text=MARA_RESUME,
        question_count=len(SCRIPT["answers"]),
        seniority="senior",
    )
    run_what_is_due()
    for question, text in zip(session.questions.order_by("number"), SCRIPT["answers"], strict=True):
        save_answer(question=question, text=text)
    run_what_is_due()
    finish_session(session=session)
    run_what_is_due()
    session.refresh_from_db()
    return session


def content(row: Model) -> dict[str, object]:
    """What does not depend on when and for whom it was made."""
    values = serializers.serialize("python", [row])[0]["fields"]
    return {name: value for name, value in values.items() if not OF_THE_MOMENT.search(name)}


def contents(session: InterviewSession, summary: object, answers: list[Answer]) -> list[object]:
    rows = [session, summary, *answers, *(each.question for each in answers)]
    rows += [each.feedback for each in answers]
    return [content(row) for row in rows]  # type: ignore[arg-type]


@pytest.mark.django_db(transaction=True)
def test_example_is_what_the_engine_makes_of_its_script(settings: Settings) -> None:
    with switched_provider() as provider:
        provider.content_of = scripted
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = provider.url, "sk-test-for-the-example"
        settings.OPENAI_MODEL = "example"
        session = practised()
    answers = list(Answer.objects.order_by("question__number"))
    if os.environ.get("REMAKE_EXAMPLE"):
        rows = [row for model in MODELS for row in model._default_manager.order_by("pk")]
        rows.sort(key=lambda row: getattr(row, "number", 0))
        options = {"owner": 0, "operation": None, "model": "", "content_hash": ""}
        FILE.write_text(written(rows, options), "utf-8")
        finished_example.cache_clear()

    shown = finished_example()

    of_example = [each.answer for each in shown.questions if each.answer]
    for answer, part in zip(of_example, shown.questions, strict=True):
        answer.question = part.question
        answer.feedback = part.feedback
    assert contents(shown.session, shown.summary, of_example) == contents(
        session, session.summary, answers
    )


def written(rows: Sequence[Model], instead: Mapping[str, object]) -> str:
    made = json.loads(serializers.serialize("json", rows))
    for each in made:
        each["fields"] |= {name: v for name, v in instead.items() if name in each["fields"]}
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


@pytest.mark.django_db
def test_example_is_open_to_all_and_changes_nothing(client: Client) -> None:
    page = client.get(reverse("example"))

    assert page.status_code == 200
    html = page.content.decode()
    assert "formaction" not in html
    for part in finished_example().questions:
        assert part.feedback is not None
        assert all(each["quote"] in part.answer.text for each in part.feedback.strengths)
    assert client.post(reverse("example")).status_code == 405
    assert not InterviewSession.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_from_the_first_page_to_the_first_feedback_in_six_clicks(client: Client) -> None:
    """Each request of this test is a click, but for those that a page makes by itself."""
    clicks = 0
    home = client.get("/")
    assert b"Try it without an account" in home.content

    clicks += 1
    form = client.post(reverse("try_it"), follow=True).context["form"]
    clicks += 1
    typed = {name: form[name].value() or "" for name in form.fields if name != "resume_file"}
    session = client.post(reverse("new_practice"), typed, follow=True).context["session"]
    run_what_is_due()
    clicks += 1
    question = session.questions.get(number=1)
    page = client.get(reverse("question", args=[question.pk]))
    assert page.status_code == 200
    clicks += 1
    client.post(reverse("question", args=[question.pk]), {"text": STRONG_ANSWER, "then": "stay"})
    run_what_is_due()

    assert b"data-feedback=" in client.get(reverse("question", args=[question.pk])).content
    assert clicks <= 6


@pytest.mark.django_db
def test_nobody_tries_it_where_that_is_not_open(client: Client, settings: Settings) -> None:
    settings.TRY_WITHOUT_ACCOUNT = False

    assert client.post(reverse("try_it")).status_code == 404
    assert b"Try it without an account" not in client.get("/").content
    assert not User.objects.exists()


@pytest.mark.django_db
def test_visitor_keeps_everything_by_choosing_a_name(client: Client) -> None:
    client.post(reverse("try_it"))
    visitor = User.objects.get()
    assert is_visitor(visitor)
    session, _ = start_session(owner=visitor, role="Cook")

    chosen = {"username": "mara", "password1": "korrekt-pferd-9", "password2": "korrekt-pferd-9"}
    page = client.post(reverse("sign_up"), chosen, follow=True)

    kept = User.objects.get()
    assert (kept.pk, kept.username, is_visitor(kept)) == (visitor.pk, "mara", False)
    assert page.redirect_chain == [(reverse("my_practice"), 302)]
    assert client.get(reverse("session", args=[session.pk])).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_staff_see_a_failure_and_mend_it_with_one_click(client: Client) -> None:
    staff = UserFactory(is_staff=True)
    client.force_login(staff)
    session, _ = start_session(owner=staff, role="Cook", question_count=1)
    run_what_is_due()
    address = reverse("question", args=[session.questions.get().pk])

    client.post(address, {"text": STRONG_ANSWER, "failure": "invalid_response"})
    run_what_is_due()

    operation = Operation.objects.get(kind="feedback_analysis")
    assert (operation.status, operation.error_category) == ("failed", "invalid_response")
    client.post(reverse("retry_operation", args=[operation.pk]))
    run_what_is_due()
    operation.refresh_from_db()
    assert operation.status == "completed"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("simulated", [True, False])
def test_who_practises_meets_no_failure_on_demand(
    client: Client, settings: Settings, simulated: bool
) -> None:
    person = UserFactory(is_staff=not simulated)
    client.force_login(person)
    session, _ = start_session(owner=person, role="Cook", question_count=1)
    run_what_is_due()
    address = reverse("question", args=[session.questions.get().pk])
    if not simulated:
        settings.OPENAI_API_KEY = "sk-test-not-a-real-key"
        settings.SIMULATED_PROVIDER = False

    assert b"Show me a failure" not in client.get(address).content
    client.post(address, {"text": STRONG_ANSWER, "failure": "network"})

    assert Operation.objects.get(kind="feedback_analysis").parameters == {}

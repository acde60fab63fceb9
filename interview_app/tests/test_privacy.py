"""The page that says what goes to the AI, held against what goes."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from interview_app.tests.factories import (
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
)
from operations.kinds import Kind, all_kinds
from operations.services import save_own_key
from operations.tests.factories import OperationFactory, ProviderPauseFactory, UserFactory

pytestmark = pytest.mark.django_db

PATH = "/privacy/"


def test_it_names_every_kind_of_call_and_what_it_sends(client: Client) -> None:
    page = client.get(PATH).text

    for kind in all_kinds():
        assert kind.sends, kind.name
        assert f"<dt>{kind.label}</dt>" in page
        assert f"<dd>{kind.sends}</dd>" in page


def test_it_says_that_nothing_leaves_a_simulation(client: Client) -> None:
    assert "no AI is set up here" in client.get(PATH).text


def test_it_names_the_host_and_the_model_and_no_key(client: Client, settings: Settings) -> None:
    settings.OPENAI_API_KEY = "sk-proj-a-key-for-tests-only"
    settings.OPENAI_BASE_URL = "https://ai.example.org:8443/v1"
    settings.OPENAI_MODEL = "small-1"

    page = client.get(PATH).text

    assert "<strong>ai.example.org</strong> (model small-1)" in page
    assert "sk-proj" not in page


def test_it_says_who_hears_what_is_dictated_and_read_aloud(client: Client) -> None:
    page = client.get(PATH).text

    assert "Chrome to Google, Edge to Microsoft, Safari to Apple" in page
    assert "voices of your own device alone" in page


def test_it_says_how_long_things_are_kept(client: Client, settings: Settings) -> None:
    assert "deleted by itself" not in client.get(PATH).text

    settings.RETENTION_DAYS = 90

    assert "not touched for 90 days" in client.get(PATH).text


@pytest.mark.parametrize("path", ["/account/", "/resume/", "/practice/new/"])
def test_account_and_upload_lead_there(path: str, client: Client, alice: User) -> None:
    client.force_login(alice)

    assert f'href="{PATH}"' in client.get(path).text


NAME, MAIL, PHONE = "candlewick", "someone.private@example.org", "+49 30 901820"


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.name)
def test_no_name_address_or_number_of_a_person_is_sent(kind: Kind) -> None:
    session = InterviewSessionFactory(
        owner=UserFactory(username=NAME, email=MAIL, first_name=NAME),
        resume_text=f"Senior engineer\n{MAIL}\n{PHONE}\n2021-2026 Tallyroo: moved billing.",
    )
    answer = FeedbackFactory(answer__question__session=session).answer
    QuestionFactory(session=session)
    is_about_session = kind.name in ("question_generation", "session_summary")
    subject = session if is_about_session else answer
    if kind.name == "provider_probe":
        subject = ProviderPauseFactory()
    save_own_key(person=session.owner, key="a-key-of-theirs-for-tests")
    operation = OperationFactory(
        kind=kind.name, session_id=session.pk, subject_id=str(subject.pk), owner=session.owner
    )

    request = kind.request(operation, kind.subjects([operation])[operation.subject_id])

    sent = " ".join(message["content"] for message in request.messages)
    assert not [secret for secret in (NAME, MAIL, PHONE, str(session.pk)) if secret in sent]
    if is_about_session and kind.name == "session_summary":
        assert answer.text not in sent

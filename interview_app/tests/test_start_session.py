from __future__ import annotations

import uuid

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from interview_app.models import InterviewSession
from interview_app.services import start_session
from interview_app.tests.factories import JobPostingFactory, ResumeFactory
from interview_app.tests.racing import in_threads
from operations.models import Operation, OperationEvent
from operations.refusals import TooManyOperations
from operations.tests.factories import OperationFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_session_and_operation_are_written_together() -> None:
    owner = UserFactory()

    session, operation = start_session(
        owner=owner, role=" Nurse ", job_description="Ward 3.", resume_text="Ten years.", door="api"
    )

    assert InterviewSession.objects.get() == session
    assert (session.role, session.job_description, session.resume_text) == (
        "Nurse",
        "Ward 3.",
        "Ten years.",
    )
    assert (operation.kind, operation.status) == ("question_generation", "pending")
    assert (operation.subject_type, operation.subject_id) == ("session", str(session.pk))
    assert (operation.session_id, operation.owner) == (session.pk, owner)


def test_the_operation_and_its_events_hold_nothing_that_a_person_wrote() -> None:
    _, operation = start_session(
        owner=UserFactory(), role="Astronaut", job_description="Moonwalks", resume_text="Gagarin"
    )

    rows = str(Operation.objects.filter(pk=operation.pk).values().get())
    rows += str(list(OperationEvent.objects.filter(operation=operation).values()))
    assert operation.parameters == {}
    assert not any(word in rows for word in ("Astronaut", "Moonwalks", "Gagarin"))


def test_without_a_resume_the_stored_one_is_kept_as_a_snapshot() -> None:
    resume = ResumeFactory(text="Mara, 2021")

    session, _ = start_session(owner=resume.owner, role="Engineer")
    resume.text = "changed"
    resume.save()

    session.refresh_from_db()
    assert session.resume_text == "Mara, 2021"


def test_an_empty_resume_text_means_none_at_all() -> None:
    resume = ResumeFactory()

    session, _ = start_session(owner=resume.owner, role="Engineer", resume_text="")

    assert session.resume_text == ""


def test_what_is_not_given_is_copied_from_the_posting() -> None:
    posting = JobPostingFactory(title="Welder", description="Hulls.", language="de")

    session, _ = start_session(owner=posting.owner, job_posting=posting)

    assert (session.role, session.job_description) == ("Welder", "Hulls.")
    assert (session.seniority, session.language) == ("senior", "de")


def test_what_is_given_overrides_the_posting() -> None:
    posting = JobPostingFactory()

    session, _ = start_session(
        owner=posting.owner,
        job_posting=posting,
        role="Diver",
        job_description="Deep.",
        seniority="intern",
        language="de",
    )

    assert (session.role, session.job_description) == ("Diver", "Deep.")
    assert (session.seniority, session.language) == ("intern", "de")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("role", "", "required"),
        ("role", "   ", "required"),
        ("role", "x" * 201, "max_length"),
        ("role", "a\x00b", "null_characters_not_allowed"),
        ("job_description", "x" * 60_001, "max_length"),
        ("job_description", "x" * 2_000_000, "max_length"),
        ("resume_text", "x" * 60_001, "max_length"),
        ("resume_text", "half \ud83d", "surrogate_characters_not_allowed"),
        ("question_count", 0, "out_of_range"),
        ("question_count", 11, "out_of_range"),
        ("seniority", "guru", "invalid_choice"),
        ("interview_type", "chat", "invalid_choice"),
        ("mode", "easy", "invalid_choice"),
        ("language", "fr", "invalid_choice"),
    ],
)
def test_a_bad_value_is_refused_under_its_name_and_nothing_is_written(
    field: str, value: object, code: str
) -> None:
    values = {"role": "Engineer"} | {field: value}

    with pytest.raises(ValidationError) as refusal:
        start_session(owner=UserFactory(), **values)  # type: ignore[arg-type]

    assert [error.code for error in refusal.value.error_dict[field]] == [code]
    assert not InterviewSession.objects.exists()
    assert not Operation.objects.exists()


def test_emoji_and_right_to_left_text_are_kept_word_for_word() -> None:
    text = "مهندس 🙂👩🏽‍💻 \u202eabc\u202c — „so“\r\n\ttab"

    session, _ = start_session(owner=UserFactory(), role="Engineer 🙂", job_description=text)

    session.refresh_from_db()
    assert session.job_description == text
    assert session.role == "Engineer 🙂"


def test_the_same_form_key_finds_the_same_session_and_operation() -> None:
    owner, key = UserFactory(), uuid.uuid4()

    first = start_session(owner=owner, role="Engineer", form_key=key)
    second = start_session(owner=owner, role="Something else", form_key=key)

    assert second == first
    assert InterviewSession.objects.count() == Operation.objects.count() == 1


def test_a_form_key_of_somebody_else_finds_nothing() -> None:
    key = uuid.uuid4()

    first, _ = start_session(owner=UserFactory(), role="Engineer", form_key=key)
    second, _ = start_session(owner=UserFactory(), role="Engineer", form_key=key)

    assert first != second


@pytest.mark.django_db(transaction=True)
def test_ten_clicks_at_once_start_one_session() -> None:
    owner, key = UserFactory(), uuid.uuid4()

    started = in_threads(10, lambda: start_session(owner=owner, role="Engineer", form_key=key))

    assert len({(session.pk, operation.pk) for session, operation in started}) == 1
    assert InterviewSession.objects.count() == Operation.objects.count() == 1


def test_too_many_unfinished_operations_leave_no_session_behind(settings: Settings) -> None:
    settings.MAX_UNFINISHED_OPERATIONS_PER_USER = 1
    owner = UserFactory()
    OperationFactory(owner=owner)

    with pytest.raises(TooManyOperations):
        start_session(owner=owner, role="Engineer")

    assert not InterviewSession.objects.exists()

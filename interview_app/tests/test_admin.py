"""The admin of interviews: links to operations, and no word of a candidate without permission."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from interview_app.models import (
    Feedback,
    InterviewSession,
    JobPosting,
    Resume,
    SessionSummary,
)
from interview_app.tests.factories import (
    AnswerFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    JobPostingFactory,
    QuestionFactory,
    ResumeFactory,
    SessionSummaryFactory,
)
from operations.models import Operation
from operations.tests.api_client import grant
from operations.tests.factories import OperationFactory, UserFactory

pytestmark = pytest.mark.django_db

MODELS = (InterviewSession, JobPosting, Resume, Feedback, SessionSummary)
WORD = "strawberry"


@pytest.fixture
def operator() -> User:
    """May look at every row, and at nobody's words."""
    operator = UserFactory(username="operator", is_staff=True)
    operator.user_permissions.add(
        *Permission.objects.filter(
            content_type__app_label__in=("interview_app", "operations"),
            codename__startswith="view_",
        ).exclude(codename="view_content")
    )
    return operator


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def list_url(model: type[Model]) -> str:
    return reverse(f"admin:interview_app_{model._meta.model_name}_changelist")


def page_url(row: Model, page: str = "change") -> str:
    return reverse(f"admin:interview_app_{row._meta.model_name}_{page}", args=(row.pk,))


def make_everything() -> InterviewSession:
    """One row of each model, all of whose texts contain WORD."""
    owner = UserFactory()
    ResumeFactory(owner=owner, text=WORD)
    posting = JobPostingFactory(
        owner=owner, title=WORD, company=WORD, description=WORD, tech_stack=[WORD]
    )
    session = InterviewSessionFactory(
        owner=owner, job_posting=posting, role=WORD, job_description=WORD, resume_text=WORD
    )
    question = QuestionFactory(session=session, text=WORD, why=WORD, competency=WORD)
    answer = AnswerFactory(question=question, text=f"{WORD} <script>")
    operation = OperationFactory(
        completed=True,
        owner=owner,
        kind="feedback_analysis",
        subject_type="answer",
        subject_id=str(answer.pk),
        session_id=session.pk,
    )
    FeedbackFactory(
        answer=answer,
        operation=operation,
        criteria=[{"key": WORD}],
        strengths=[{"quote": WORD}],
        fixes=[{"quote": WORD}],
        rewrite=WORD,
    )
    SessionSummaryFactory(
        session=session,
        text=WORD,
        by_competency=[{"competency": WORD, "score": None}],
        strengths=[WORD],
        habits=[WORD],
        exercise=WORD,
    )
    return session


def queries_of(action: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        action()
    return len(captured)


@pytest.mark.parametrize("model", MODELS)
def test_no_list_shows_a_word_of_a_candidate(operator: User, model: type[Model]) -> None:
    make_everything()

    for user in (operator, grant(operator, "view_content")):
        response = client_of(user).get(list_url(model))
        assert response.status_code == 200
        assert WORD not in response.content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_words_of_a_candidate_need_a_permission(operator: User, model: type[Model]) -> None:
    make_everything()
    row = model._default_manager.get()

    assert WORD not in client_of(operator).get(page_url(row)).content.decode()
    allowed = client_of(grant(operator, "view_content"))
    assert WORD in allowed.get(page_url(row)).content.decode()


def test_answers_are_shown_as_text_never_as_markup(operator: User) -> None:
    session = make_everything()

    page = client_of(grant(operator, "view_content")).get(page_url(session)).content.decode()

    assert f"{WORD} &lt;script&gt;" in page


def test_session_leads_to_its_operations(operator: User) -> None:
    session = make_everything()
    client = client_of(operator)

    page = client.get(page_url(session)).content.decode()

    operations = reverse("admin:operations_operation_changelist")
    url = f"{operations}?session_id__exact={session.pk}"
    assert url in page
    assert str(Operation.objects.get().pk) in client.get(url).content.decode()
    answer = session.questions.get().answers.get()
    assert f"{operations}?subject_id__exact={answer.pk}" in page
    assert client.get(f"{operations}?subject_id__exact={answer.pk}").status_code == 200


@pytest.mark.parametrize("model", [Feedback, SessionSummary])
def test_results_lead_to_the_operation_that_made_them(
    operator: User, model: type[Feedback | SessionSummary]
) -> None:
    make_everything()
    operation = OperationFactory(completed=True)
    model._default_manager.update(operation=operation)

    page = client_of(operator).get(list_url(model)).content.decode()

    assert reverse("admin:operations_operation_change", args=(operation.pk,)) in page


@pytest.mark.parametrize("model", MODELS)
def test_lists_ask_the_database_equally_often_for_2_and_for_20(
    operator: User, model: type[Model]
) -> None:
    client = client_of(operator)
    for _ in range(2):
        make_everything()
    client.get(list_url(model))
    few = queries_of(lambda: client.get(list_url(model)))
    for _ in range(18):
        make_everything()

    assert queries_of(lambda: client.get(list_url(model))) == few


def test_session_page_asks_equally_often_for_1_and_for_10_questions(operator: User) -> None:
    client = client_of(grant(operator, "view_content"))
    session = make_everything()
    client.get(page_url(session))
    few = queries_of(lambda: client.get(page_url(session)))
    for _ in range(9):
        FeedbackFactory(answer__question__session=session)

    assert session.questions.count() == 10
    assert queries_of(lambda: client.get(page_url(session))) == few


def test_failed_part_is_seen_in_the_list(operator: User) -> None:
    session = InterviewSessionFactory()
    OperationFactory(failed=True, subject_id=str(session.pk), session_id=session.pk)

    assert "needs_attention" in client_of(operator).get(list_url(InterviewSession)).content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_rows_are_neither_added_nor_changed_here(model: type[Model]) -> None:
    make_everything()
    client = client_of(UserFactory(is_staff=True, is_superuser=True))
    row = model._default_manager.get()

    assert client.post(page_url(row), {"text": "mine now"}).status_code == 403
    add = reverse(f"admin:interview_app_{model._meta.model_name}_add")
    assert client.get(add).status_code == 403


@pytest.mark.parametrize("whole_list", [False, True], ids=["from its page", "from the list"])
def test_deleting_a_session_cancels_its_operations_and_logs_no_words(whole_list: bool) -> None:
    session = make_everything()
    operation = OperationFactory(subject_id=str(session.pk), session_id=session.pk)
    admin = UserFactory(is_staff=True, is_superuser=True)
    client = client_of(admin)

    if whole_list:
        response = client.post(
            list_url(InterviewSession),
            {"action": "delete_selected", "_selected_action": [session.pk], "post": "yes"},
        )
    else:
        response = client.post(page_url(session, "delete"), {"post": "yes"})

    assert response.status_code == 302
    assert not InterviewSession.objects.exists()
    operation.refresh_from_db()
    assert operation.status == "cancelled"
    cancelled = operation.events.get(name="operation.cancelled")
    assert (cancelled.actor, cancelled.door) == (admin, "admin")
    assert WORD not in LogEntry.objects.get().object_repr


def test_page_that_asks_before_deleting_shows_no_words(operator: User) -> None:
    session = make_everything()
    operator.user_permissions.add(
        *Permission.objects.filter(
            content_type__app_label="interview_app", codename__startswith="delete_"
        )
    )

    response = client_of(operator).get(page_url(session, "delete"))

    assert response.status_code == 200
    assert WORD not in response.content.decode()


def test_deleting_needs_its_own_permission(operator: User) -> None:
    session = make_everything()

    assert client_of(operator).post(page_url(session, "delete"), {"post": "yes"}).status_code == 403
    assert InterviewSession.objects.exists()

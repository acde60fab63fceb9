"""The page of a practice, its live part, its end, its summary, and the list of one's own."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from interview_app.models import InterviewSession
from interview_app.tests.factories import (
    AnswerFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
    SessionSummaryFactory,
)
from operations.models import Operation
from operations.tests.factories import OperationFactory

pytestmark = pytest.mark.django_db


def generation(session: InterviewSession, **values: Any) -> Operation:
    operation: Operation = OperationFactory(
        kind="question_generation",
        subject_id=str(session.pk),
        session_id=session.pk,
        owner=session.owner,
        **values,
    )
    return operation


def session_with(owner: User, *, questions: int, **values: Any) -> InterviewSession:
    """A session whose every question has a scored answer."""
    session: InterviewSession = InterviewSessionFactory(owner=owner, **values)
    generation(session, completed=True)
    for _ in range(questions):
        answer = AnswerFactory(question=QuestionFactory(session=session))
        FeedbackFactory(answer=answer, made_by_simulation=True)
        OperationFactory(
            kind="feedback_analysis",
            subject_type="answer",
            subject_id=str(answer.pk),
            session_id=session.pk,
            owner=owner,
            completed=True,
        )
    return session


def test_questions_scores_and_simulation_are_shown(client: Client, alice: User) -> None:
    session = session_with(alice, questions=2)
    client.force_login(alice)

    page = client.get(f"/practice/{session.pk}/").text

    assert page.count('class="question-row"') == 2
    assert page.count("<strong>3.5</strong> / 5") == 2
    assert "2 of 2 answered · 2 scored" in page
    assert '<span class="chip simulated"' in page


def test_a_page_at_rest_is_not_loaded_again(client: Client, alice: User) -> None:
    session = session_with(alice, questions=1)
    client.force_login(alice)

    page = client.get(f"/practice/{session.pk}/").text

    assert "http-equiv" not in page
    assert 'data-unfinished="false"' in page


def test_the_live_part_is_answered_304_while_nothing_changes(client: Client, alice: User) -> None:
    session = InterviewSessionFactory(owner=alice)
    operation = generation(session)
    client.force_login(alice)
    address = f"/practice/{session.pk}/live/"

    first = client.get(address)
    again = client.get(address, headers={"If-None-Match": first["ETag"]})
    Operation.objects.filter(pk=operation.pk).update(
        status="cancelled", finished_at=operation.queued_at
    )
    changed = client.get(address, headers={"If-None-Match": first["ETag"]})

    assert (first.status_code, again.status_code, changed.status_code) == (200, 304, 200)
    assert again.content == b""
    assert 'data-unfinished="false"' in changed.text


def test_a_failed_preparation_says_what_happened_and_what_is_safe(
    client: Client, alice: User
) -> None:
    session = InterviewSessionFactory(owner=alice)
    operation = generation(session, failed=True)
    client.force_login(alice)

    page = client.get(f"/practice/{session.pk}/").text

    assert "We could not prepare your questions:" in page
    assert "The posting and your résumé are saved" in page
    assert "The automatic tries are used up." in page
    assert "<code>SERVER_ERROR</code>" in page
    assert f"<code>{operation.pk}</code>" in page
    assert f'formaction="/operations/{operation.pk}/retry/"' in page
    assert f'href="/practice/new/?from={session.pk}"' in page


def test_finish_asks_for_a_summary_and_shows_its_progress(client: Client, alice: User) -> None:
    session = session_with(alice, questions=1)
    client.force_login(alice)

    response = client.post(f"/practice/{session.pk}/finish/")
    page = client.get(response["Location"]).text

    assert response["Location"] == f"/practice/{session.pk}/summary/"
    assert Operation.objects.filter(kind="session_summary", status="pending").count() == 1
    assert "Writing your summary" in page


def test_finish_without_an_answer_is_refused_in_words(client: Client, alice: User) -> None:
    session = InterviewSessionFactory(owner=alice)
    QuestionFactory(session=session)
    client.force_login(alice)

    page = client.post(f"/practice/{session.pk}/finish/", follow=True)

    assert "There is nothing to sum up yet" in page.text
    assert not Operation.objects.filter(kind="session_summary").exists()


def test_the_summary_names_questions_without_feedback(client: Client, alice: User) -> None:
    session = session_with(alice, questions=2, finished=True)
    SessionSummaryFactory(session=session, missing=[3, 5], simulated=True)
    client.force_login(alice)

    page = client.get(f"/practice/{session.pk}/summary/").text

    assert "Without questions 3, 5, which have no score that counts." in page
    assert "Your answers show what you did yourself." in page
    assert '<span class="chip simulated"' in page


def test_an_unfinished_practice_has_no_summary_page_yet(client: Client, alice: User) -> None:
    session = session_with(alice, questions=1)
    client.force_login(alice)

    response = client.get(f"/practice/{session.pk}/summary/")

    assert response["Location"] == f"/practice/{session.pk}/"


def test_deleting_asks_first(client: Client, alice: User) -> None:
    session = session_with(alice, questions=1)
    client.force_login(alice)

    page = client.get(f"/practice/{session.pk}/delete/")

    assert "1 answered question" in page.text
    assert InterviewSession.objects.exists()


def test_deleting_removes_the_practice(client: Client, alice: User) -> None:
    session = session_with(alice, questions=1)
    client.force_login(alice)

    page = client.post(f"/practice/{session.pk}/delete/", follow=True)

    assert "are deleted." in page.text
    assert not InterviewSession.objects.exists()


@pytest.mark.parametrize("path", ["", "live/", "summary/", "summary/live/", "delete/"])
def test_other_peoples_practices_do_not_exist(
    client: Client, alice: User, bob: User, path: str
) -> None:
    session = session_with(alice, questions=1, finished=True)
    client.force_login(bob)

    assert client.get(f"/practice/{session.pk}/{path}").status_code == 404


@pytest.mark.parametrize("path", ["finish/", "delete/"])
def test_other_peoples_practices_cannot_be_changed(
    client: Client, alice: User, bob: User, path: str
) -> None:
    session = session_with(alice, questions=1)
    client.force_login(bob)

    assert client.post(f"/practice/{session.pk}/{path}").status_code == 404
    session.refresh_from_db()
    assert session.finish_requested_at is None


def test_my_practice_lists_own_ones_with_their_state(
    client: Client, alice: User, bob: User
) -> None:
    session_with(alice, questions=1, role="Mine")
    generation(InterviewSessionFactory(owner=alice, role="Broken"), failed=True)
    session_with(bob, questions=1, role="Not mine")
    client.force_login(alice)

    page = client.get("/practice/").text

    assert "Mine" in page
    assert "Needs attention 1" in page
    assert "Not mine" not in page


def test_an_empty_list_says_what_to_do(client: Client, alice: User) -> None:
    client.force_login(alice)

    assert "Nothing here yet." in client.get("/practice/").text


def test_the_list_goes_on_on_a_second_page(client: Client, alice: User) -> None:
    InterviewSessionFactory.create_batch(21, owner=alice)
    client.force_login(alice)

    assert client.get("/practice/").text.count('class="practice"') == 20
    assert client.get("/practice/?page=2").text.count('class="practice"') == 1


@pytest.mark.parametrize("questions", [1, 10])
def test_a_practice_takes_the_same_queries_whatever_its_size(
    client: Client,
    alice: User,
    questions: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    session = session_with(alice, questions=questions)
    client.force_login(alice)

    with django_assert_num_queries(7):
        client.get(f"/practice/{session.pk}/")


@pytest.mark.parametrize("sessions", [1, 12])
def test_my_practice_takes_the_same_queries_whatever_its_length(
    client: Client,
    alice: User,
    sessions: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(sessions):
        session_with(alice, questions=2)
    client.force_login(alice)

    with django_assert_num_queries(8):
        client.get("/practice/")


def test_practice_with_missing_questions_says_so_and_asks_for_them(
    client: Client, alice: User
) -> None:
    session = session_with(alice, questions=4, question_count=5)
    client.force_login(alice)
    page = client.get(f"/practice/{session.pk}/").text

    response = client.post(f"/practice/{session.pk}/questions/")

    newest = Operation.objects.filter(kind="question_generation").order_by("-created_at")[0]
    assert "4 of 5 questions are here" in page
    assert f"/practice/{session.pk}/questions/" in page
    assert response.status_code == 302
    assert (newest.status, newest.parameters) == ("pending", {"missing": True})
    assert f"/practice/{session.pk}/questions/" not in client.get(f"/practice/{session.pk}/").text


def test_whole_practice_offers_no_missing_questions(client: Client, alice: User) -> None:
    session = session_with(alice, questions=2, question_count=2)
    client.force_login(alice)

    assert "questions are here" not in client.get(f"/practice/{session.pk}/").text
    page = client.post(f"/practice/{session.pk}/questions/", follow=True)
    assert "This practice has all its questions." in page.text
    assert Operation.objects.filter(kind="question_generation").count() == 1

"""However often a question is answered, its page and what is polled stay small."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from interview_app.models import Answer, Question
from interview_app.tests.factories import (
    AnswerFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
)
from operations.models import Operation
from operations.tests.api_client import api_client, assert_problem
from operations.tests.factories import OperationFactory

pytestmark = pytest.mark.django_db

WORDS = "I moved the billing of nine shops to events and cut the time by half. "


@pytest.fixture
def question(alice: User, client: Client) -> Question:
    client.force_login(alice)
    asked: Question = QuestionFactory(session=InterviewSessionFactory(owner=alice))
    return asked


def answered(question: Question, count: int) -> list[Answer]:
    texts = [f"Answer No. {number}: {WORDS * 20}" for number in range(1, count + 1)]
    return [AnswerFactory(question=question, text=text) for text in texts]


def polled(client: Client, question: Question) -> str:
    return client.get(f"/questions/{question.pk}/live/").text


def shown(page: str) -> list[int]:
    return [int(number) for number in re.findall(r"Answer No\. (\d+):", page)]


def save(client: Client, question: Question, text: str) -> Any:
    return client.post(f"/questions/{question.pk}/", {"form_key": str(uuid.uuid4()), "text": text})


def test_the_twenty_first_answer_is_refused_by_the_api(alice: User, question: Question) -> None:
    address = f"/api/v1/questions/{question.pk}/answer/"
    answered(question, 19)

    last = api_client(alice).post(address, {"text": WORDS})
    beyond = api_client(alice).post(address, {"text": WORDS})

    assert last.status_code == 201
    assert_problem(beyond, 409, "TOO_MANY_ANSWERS")
    assert question.answers.count() == 20


def test_the_twenty_first_answer_is_refused_by_the_page_and_shown(
    client: Client, question: Question
) -> None:
    answered(question, 20)

    page = save(client, question, "My very last words on it.")

    assert page.status_code == 409
    assert "This question has 20 answers already" in page.text
    assert "My very last words on it." in page.text
    assert question.answers.count() == 20


def test_insisting_on_a_twenty_first_answer_is_refused_in_words(
    client: Client, question: Question
) -> None:
    newest = answered(question, 20)[-1]

    page = client.post(f"/answers/{newest.pk}/insist/", follow=True)

    assert "This question has 20 answers already" in page.text
    assert not Operation.objects.exists()


def test_what_is_polled_does_not_grow_with_the_answers(client: Client, question: Question) -> None:
    for answer in answered(question, 2):
        FeedbackFactory(answer=answer)
    few = polled(client, question)
    for answer in answered(question, 18):
        FeedbackFactory(answer=answer)

    many = polled(client, question)

    assert (shown(few), shown(many)) == ([2], [18])
    assert len(many) <= 1.1 * len(few)


def test_a_page_shows_the_newest_answer_and_four_earlier_ones(
    client: Client, question: Question
) -> None:
    answered(question, 20)

    assert shown(client.get(f"/questions/{question.pk}/").text) == [20, 19, 18, 17, 16]


def test_every_answer_can_be_reached_by_the_links(client: Client, question: Question) -> None:
    answered(question, 20)
    address, seen = f"/questions/{question.pk}/", set()

    for _ in range(5):
        page = client.get(address).text
        seen |= set(shown(page))
        following = re.search(r'rel="next" href="(\?earlier=\d+)"', page)
        address = f"/questions/{question.pk}/{following[1] if following else ''}"

    assert seen == set(range(1, 21))


@pytest.mark.parametrize("page", ["0", "-1", "99", "x", "²", ""])
def test_an_odd_page_of_answers_is_some_page(client: Client, question: Question, page: str) -> None:
    answered(question, 20)

    assert client.get(f"/questions/{question.pk}/", {"earlier": page}).status_code == 200


def test_an_earlier_answer_still_at_work_does_not_keep_the_page_polling(
    client: Client, question: Question
) -> None:
    first, _newest = answered(question, 2)
    OperationFactory(
        kind="feedback_analysis",
        subject_type="answer",
        subject_id=str(first.pk),
        session_id=question.session_id,
        owner=question.session.owner,
    )

    page = client.get(f"/questions/{question.pk}/").text

    assert 'data-unfinished="true"' not in page
    assert "See whether the feedback is there" in page


@pytest.mark.parametrize(
    "path",
    [
        "/practice/",
        "/practice/{session}/",
        "/practice/{session}/live/",
        "/practice/{session}/delete/",
    ],
)
def test_a_page_without_answers_leaves_their_texts_in_the_database(
    client: Client, question: Question, path: str
) -> None:
    answered(question, 3)

    with CaptureQueriesContext(connection) as queries:
        page = client.get(path.format(session=question.session_id))

    assert page.status_code == 200
    assert not [each for each in queries if '"interview_app_answer"."text"' in each["sql"]]

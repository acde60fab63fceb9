"""A question: answers are saved first and shown word for word, whatever the AI does."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from interview_app.models import Answer, Draft, Question
from interview_app.tests.factories import (
    AnswerFactory,
    DraftFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
)
from operations.models import Operation
from operations.tests.factories import OperationFactory

pytestmark = pytest.mark.django_db

WORDS = (
    "I wrote the key “exactly once” \N{PARTY POPPER}.\n\n  Then:\tعندما فشل الدفع, and שלום.\n"
    "<b>No markup</b> & no loss."
)
SHOWN = (
    "I wrote the key “exactly once” \N{PARTY POPPER}.\n\n  Then:\tعندما فشل الدفع, and שלום.\n"
    "&lt;b&gt;No markup&lt;/b&gt; &amp; no loss."
)


@pytest.fixture
def question(alice: User, client: Client) -> Question:
    """The first of two questions of alice, who is signed in."""
    session = InterviewSessionFactory(owner=alice)
    first: Question = QuestionFactory(session=session)
    QuestionFactory(session=session)
    client.force_login(alice)
    return first


def save(client: Client, question: Question, text: str = WORDS, **values: str) -> Any:
    sent = {"form_key": str(uuid.uuid4()), "text": text, **values}
    return client.post(f"/questions/{question.pk}/", sent)


def read(client: Client, question: Question) -> str:
    return client.get(f"/questions/{question.pk}/").text


def analysis(answer: Answer, **values: Any) -> Operation:
    operation: Operation = OperationFactory(
        kind="feedback_analysis",
        subject_type="answer",
        subject_id=str(answer.pk),
        session_id=answer.question.session_id,
        owner=answer.question.session.owner,
        **values,
    )
    return operation


def test_an_answer_is_saved_word_for_word_and_queued(client: Client, question: Question) -> None:
    save(client, question)

    answer = Answer.objects.get()
    operation = Operation.objects.get()
    assert answer.text == WORDS
    assert (operation.kind, operation.subject_id) == ("feedback_analysis", str(answer.pk))
    assert operation.status == "pending"
    assert SHOWN in read(client, question)


def test_line_ends_of_browsers_become_plain_ones(client: Client, question: Question) -> None:
    save(client, question, text="One thing I did.\r\nAnother thing I did.")

    assert Answer.objects.get().text == "One thing I did.\nAnother thing I did."


def test_an_answer_is_shown_word_for_word_while_the_provider_is_down(
    client: Client, question: Question
) -> None:
    answer = AnswerFactory(question=question, text=WORDS)
    operation = analysis(answer, failed=True, error_code="NETWORK_ERROR")

    page = read(client, question)

    assert Answer.objects.get().text == WORDS
    assert SHOWN in page
    assert "We could not analyse your answer:" in page
    assert "Your answer is saved" in page
    assert f'formaction="/operations/{operation.pk}/retry/"' in page


def test_saving_goes_on_to_the_next_question_and_says_saved(
    client: Client, question: Question
) -> None:
    response = save(client, question)
    following = question.session.questions.get(number=2)

    assert response["Location"] == f"/questions/{following.pk}/"
    assert "Your answer to question 1 is saved (" in client.get(response["Location"]).text


def test_after_the_last_answer_comes_the_practice(client: Client, question: Question) -> None:
    AnswerFactory(question=question)

    response = save(client, question.session.questions.get(number=2))

    assert response["Location"] == f"/practice/{question.session_id}/"


def test_one_may_stay_for_the_feedback(client: Client, question: Question) -> None:
    assert save(client, question, then="stay").url == f"/questions/{question.pk}/"


def test_a_double_click_saves_one_answer(client: Client, question: Question) -> None:
    key = str(uuid.uuid4())

    save(client, question, form_key=key)
    save(client, question, form_key=key)

    assert Answer.objects.count() == Operation.objects.count() == 1


def test_a_second_answer_stands_beside_the_first(client: Client, question: Question) -> None:
    save(client, question, text="First I did this on my own.")
    save(client, question, text="Then I did that on my own.")

    page = read(client, question)

    assert "First I did this on my own." in page
    assert "Then I did that on my own." in page
    assert list(Answer.objects.values_list("number", flat=True)) == [1, 2]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(" \n ", "please write an answer", id="blank"),
        pytest.param("x" * 20_001, "At most 20000 characters", id="too long"),
        pytest.param("half\x00thought", "NUL", id="NUL"),
    ],
)
def test_a_bad_answer_is_explained_and_kept(
    client: Client, question: Question, text: str, sentence: str
) -> None:
    response = save(client, question, text=text)

    assert response.status_code == 400
    assert sentence in response.text
    assert response.context["form"]["text"].value() == text
    assert not Answer.objects.exists()


def test_an_answer_after_the_end_is_refused_but_shown(client: Client, alice: User) -> None:
    question = QuestionFactory(session=InterviewSessionFactory(owner=alice, finishing=True))
    client.force_login(alice)

    response = save(client, question)

    assert response.status_code == 409
    assert "no further answers can be added" in response.text
    assert SHOWN in response.text
    assert not Answer.objects.exists()


def test_an_unscorable_answer_is_kept_without_a_score(client: Client, question: Question) -> None:
    save(client, question, text="yes")

    page = read(client, question)

    assert "It is too short to be judged" in page
    assert "No score was made up for it." in page
    assert '<p class="score">' not in page


def test_an_unscorable_answer_can_be_insisted_on_once(client: Client, question: Question) -> None:
    save(client, question, text="yes")
    first = Answer.objects.get()

    for _ in range(2):
        client.post(f"/answers/{first.pk}/insist/")

    assert list(Answer.objects.values_list("number", "text")) == [(1, "yes"), (2, "yes")]
    assert Operation.objects.filter(status="pending").count() == 1


def test_feedback_quotes_and_says_who_made_it(client: Client, question: Question) -> None:
    FeedbackFactory(answer__question=question, made_by_simulation=True, rewrite="I [your task].")

    page = read(client, question)

    assert '<p class="score"><strong>3.5</strong>' in page
    assert "I added idempotency keys</q>" in page
    assert "Add one." in page
    assert "I [your task]." in page
    assert "gpt-test · prompt feedback_analysis/1 · rubric behavioural-1" in page
    assert '<span class="chip simulated"' in page


def test_like_the_real_thing_feedback_waits_for_the_end(client: Client, alice: User) -> None:
    session = InterviewSessionFactory(owner=alice, mode="real")
    feedback = FeedbackFactory(answer__question__session=session)
    question = feedback.answer.question
    client.force_login(alice)

    during = read(client, question)
    client.post(f"/practice/{session.pk}/finish/")
    after = read(client, question)

    assert '<p class="score">' not in during
    assert "You will see it when you finish" in during
    assert '<p class="score">' in after


def test_like_the_real_thing_no_card_of_an_analysis_is_shown(client: Client, alice: User) -> None:
    question = QuestionFactory(session=InterviewSessionFactory(owner=alice, mode="real"))
    analysis(AnswerFactory(question=question), failed=True)
    client.force_login(alice)

    page = read(client, question)

    assert "data-operation" not in page
    assert 'data-unfinished="false"' in page


def test_a_draft_is_saved_for_the_script(client: Client, question: Question) -> None:
    response = client.post(
        f"/questions/{question.pk}/draft/",
        {"text": "Half a thought"},
        headers={"Accept": "application/json"},
    )

    draft = Draft.objects.get()
    assert response.json() == {"saved_at": draft.saved_at.isoformat(), "answers": 0}
    assert "Half a thought</textarea>" in read(client, question)


def test_a_draft_is_saved_by_the_button(client: Client, question: Question) -> None:
    page = client.post(f"/questions/{question.pk}/draft/", {"text": "Half a thought"}, follow=True)

    assert "Your draft is saved (" in page.text
    assert "Half a thought</textarea>" in page.text


def test_a_draft_that_is_too_long_is_refused_but_shown(client: Client, question: Question) -> None:
    response = client.post(f"/questions/{question.pk}/draft/", {"text": "x" * 20_001})

    assert response.status_code == 400
    assert "x" * 20_001 in response.text


def test_a_late_draft_of_the_answer_itself_is_not_offered(
    client: Client, question: Question
) -> None:
    answer = AnswerFactory(question=question)
    DraftFactory(question=question, text=answer.text)

    assert f"{answer.text}</textarea>" not in read(client, question)


def test_the_live_part_has_no_token_and_an_etag(client: Client, question: Question) -> None:
    analysis(AnswerFactory(question=question))
    address = f"/questions/{question.pk}/live/"

    first = client.get(address)
    again = client.get(address, headers={"If-None-Match": first["ETag"]})

    assert "csrfmiddlewaretoken" not in first.text
    assert 'data-unfinished="true"' in first.text
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/questions/{question}/"),
        ("post", "/questions/{question}/"),
        ("get", "/questions/{question}/live/"),
        ("post", "/questions/{question}/draft/"),
        ("post", "/answers/{answer}/insist/"),
    ],
)
def test_other_peoples_questions_do_not_exist(
    client: Client, question: Question, bob: User, method: str, path: str
) -> None:
    answer = AnswerFactory(question=question)
    client.force_login(bob)

    address = path.format(question=question.pk, answer=answer.pk)
    response = getattr(client, method)(address, {"text": "mine now"})

    assert response.status_code == 404
    assert Answer.objects.count() == 1
    assert not Draft.objects.exists()


@pytest.mark.parametrize("answers", [1, 5])
def test_a_question_takes_the_same_queries_however_often_it_is_answered(
    client: Client,
    question: Question,
    answers: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(answers):
        analysis(AnswerFactory(question=question), completed=True)

    with django_assert_num_queries(9):
        client.get(f"/questions/{question.pk}/")


def test_the_page_of_a_question_alone_may_ask_for_the_microphone(
    client: Client, question: Question
) -> None:
    def policy(address: str) -> str:
        return str(client.get(address)["Permissions-Policy"])

    assert "microphone=(self)" in policy(f"/questions/{question.pk}/")
    assert "camera=()" in policy(f"/questions/{question.pk}/")
    for address in (f"/questions/{question.pk}/live/", f"/practice/{question.session_id}/", "/"):
        assert "microphone=()" in policy(address)

from __future__ import annotations

import uuid

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from pytest_django import Settings

from interview_app.models import Answer, Draft, Feedback, InterviewSession
from interview_app.refusals import SessionFinished
from interview_app.services import save_answer, save_draft
from interview_app.tests.factories import DraftFactory, InterviewSessionFactory, QuestionFactory
from interview_app.tests.racing import in_threads
from interview_app.tests.samples import STRONG_ANSWER
from operations.models import Operation, OperationEvent
from operations.refusals import TooManyOperations

pytestmark = pytest.mark.django_db


def test_an_answer_is_stored_word_for_word_with_its_analysis_queued() -> None:
    question = QuestionFactory()
    text = "  I added keys.\r\n\n\tThen: “none” 🙂 שלום — and that was all of it.  "

    answer, operation = save_answer(question=question, text=text, door="api")

    answer.refresh_from_db()
    assert (answer.text, answer.number) == (text, 1)
    assert (operation.kind, operation.status) == ("feedback_analysis", "pending")
    assert (operation.subject_type, operation.subject_id) == ("answer", str(answer.pk))
    assert operation.session_id == question.session_id
    assert operation.owner == question.session.owner


def test_the_operation_and_its_events_hold_nothing_of_the_answer() -> None:
    _, operation = save_answer(question=QuestionFactory(), text=STRONG_ANSWER)

    rows = str(Operation.objects.filter(pk=operation.pk).values().get())
    rows += str(list(OperationEvent.objects.values()))
    assert operation.parameters == {}
    assert "Kollektiv" not in rows


def test_a_further_answer_gets_the_next_number_and_the_first_one_stays() -> None:
    question = QuestionFactory()

    first, _ = save_answer(question=question, text=STRONG_ANSWER)
    second, _ = save_answer(question=question, text=STRONG_ANSWER)

    assert (first.number, second.number) == (1, 2)
    assert question.answers.count() == 2


def test_the_draft_is_gone_once_the_answer_is_saved() -> None:
    draft = DraftFactory()

    save_answer(question=draft.question, text=STRONG_ANSWER)

    assert not Draft.objects.exists()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "required"),
        (" \n\t ", "required"),
        ("x" * 20_001, "max_length"),
        ("a\x00b", "null_characters_not_allowed"),
        ("half \udc00", "surrogate_characters_not_allowed"),
    ],
    ids=["empty", "blank", "too long", "NUL", "lone surrogate"],
)
def test_what_cannot_be_stored_is_refused_and_the_draft_stays(text: str, code: str) -> None:
    draft = DraftFactory()

    with pytest.raises(ValidationError) as refusal:
        save_answer(question=draft.question, text=text)

    assert refusal.value.error_dict["text"][0].code == code
    assert not Answer.objects.exists()
    assert Draft.objects.exists()


@pytest.mark.parametrize(
    ("text", "reason"), [("fine", "too_short"), ("asdf jkl; " * 4, "no_words")]
)
def test_an_answer_that_cannot_be_scored_costs_no_call(text: str, reason: str) -> None:
    answer, operation = save_answer(question=QuestionFactory(), text=text)

    feedback = Feedback.objects.get()
    assert (operation.status, operation.attempts) == ("completed", 0)
    assert (feedback.answer, feedback.operation) == (answer, operation)
    assert (feedback.score, feedback.not_scored_reason, feedback.simulated) == (None, reason, False)


def test_a_person_can_insist_on_the_analysis() -> None:
    _, operation = save_answer(question=QuestionFactory(), text="fine", insist=True)

    assert operation.status == "pending"
    assert not Feedback.objects.exists()


def test_the_same_form_key_finds_the_same_answer_and_operation() -> None:
    question, key = QuestionFactory(), uuid.uuid4()

    first = save_answer(question=question, text=STRONG_ANSWER, form_key=key)
    second = save_answer(question=question, text="Another text by mistake.", form_key=key)

    assert second == first
    assert Answer.objects.count() == Operation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_ten_clicks_at_once_save_one_answer() -> None:
    question, key = QuestionFactory(), uuid.uuid4()

    saved = in_threads(10, lambda: save_answer(question=question, text=STRONG_ANSWER, form_key=key))

    assert len({(answer.pk, operation.pk) for answer, operation in saved}) == 1
    assert Answer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_answers_that_race_each_get_a_number_of_their_own() -> None:
    question = QuestionFactory()

    saved = in_threads(8, lambda: save_answer(question=question, text=STRONG_ANSWER))

    assert sorted(answer.number for answer, _ in saved) == list(range(1, 9))


def test_after_the_end_was_asked_for_no_answer_or_draft_is_taken() -> None:
    question = QuestionFactory(session=InterviewSessionFactory(finishing=True))

    with pytest.raises(SessionFinished):
        save_answer(question=question, text=STRONG_ANSWER)
    with pytest.raises(SessionFinished):
        save_draft(question=question, text="and")

    assert not Answer.objects.exists()
    assert not Draft.objects.exists()


def test_a_repeated_click_is_answered_even_after_the_end() -> None:
    question, key = QuestionFactory(), uuid.uuid4()
    first = save_answer(question=question, text=STRONG_ANSWER, form_key=key)
    InterviewSession.objects.update(finish_requested_at=timezone.now())

    assert save_answer(question=question, text=STRONG_ANSWER, form_key=key) == first


def test_too_many_unfinished_operations_leave_the_draft(settings: Settings) -> None:
    settings.MAX_UNFINISHED_OPERATIONS_PER_USER = 0
    draft = DraftFactory()

    with pytest.raises(TooManyOperations):
        save_answer(question=draft.question, text=STRONG_ANSWER)

    assert Draft.objects.get().text == draft.text
    assert not Answer.objects.exists()


def test_a_draft_is_replaced_by_the_next_one() -> None:
    question = QuestionFactory()

    save_draft(question=question, text="I beg")
    save_draft(question=question, text="I began 🙂")

    assert Draft.objects.get().text == "I began 🙂"


def test_a_draft_may_be_empty_but_not_too_long() -> None:
    question = QuestionFactory()

    assert save_draft(question=question, text="").text == ""
    with pytest.raises(ValidationError):
        save_draft(question=question, text="x" * 20_001)

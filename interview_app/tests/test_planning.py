"""Questions before the first answer: in another order, left out, added."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from interview_app.models import InterviewSession, Question, Story
from interview_app.planning import add_question, leave_out_question, move_question
from interview_app.queries import session_detail
from interview_app.refusals import (
    LastQuestion,
    PlanClosed,
    QuestionBegun,
    SessionFinished,
    SessionNotReady,
    TooManyQuestions,
)
from interview_app.services import finish_session, save_answer
from interview_app.tests.factories import (
    AnswerFactory,
    DraftFactory,
    InterviewSessionFactory,
    QuestionFactory,
    StoryFactory,
)
from operations.models import Operation
from operations.tests.factories import OperationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(alice: User) -> InterviewSession:
    """Ready: A, B and C are asked."""
    made: InterviewSession = InterviewSessionFactory(owner=alice, question_count=3)
    for text in "ABC":
        QuestionFactory(session=made, text=text)
    return made


@pytest.fixture
def here(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def asked(session: InterviewSession) -> list[tuple[int, str]]:
    return list(session.questions.order_by("number").values_list("number", "text"))


def of(session: InterviewSession, text: str) -> Question:
    return session.questions.get(text=text)


@pytest.mark.parametrize(
    ("text", "by", "order"),
    [("C", -1, "ACB"), ("A", 1, "BAC"), ("A", -1, "ABC"), ("C", 1, "ABC"), ("B", 0, "ABC")],
)
def test_a_question_moves(text: str, by: int, order: str, session: InterviewSession) -> None:
    move_question(question=of(session, text), by=by)

    assert asked(session) == list(enumerate(order, start=1))


def test_a_question_is_left_out_and_not_missed(alice: User, session: InterviewSession) -> None:
    leave_out_question(question=of(session, "A"))

    assert asked(session) == [(1, "B"), (2, "C")]
    detail = session_detail(session.pk, alice)
    assert (detail.missing_questions, detail.session.question_count) == (0, 2)


def test_the_last_one_stays(session: InterviewSession) -> None:
    for text in "AB":
        leave_out_question(question=of(session, text))

    with pytest.raises(LastQuestion):
        leave_out_question(question=of(session, "C"))


def test_a_question_with_a_draft_stays(session: InterviewSession) -> None:
    draft = DraftFactory(question=of(session, "B"))

    with pytest.raises(QuestionBegun):
        leave_out_question(question=draft.question)

    draft.refresh_from_db()


def test_ones_own_question_comes_last_and_was_written_by_nobody_else(
    alice: User, session: InterviewSession
) -> None:
    added = add_question(session=session, text=" Why us? \n", competency="Motivation")

    assert asked(session)[-1] == (4, "Why us?")
    assert (added.competency, added.type, added.operation_id) == ("Motivation", "behavioral", None)
    assert (added.simulated, added.model) == (False, "")
    assert session_detail(session.pk, alice).session.question_count == 4


@pytest.mark.parametrize(("language", "words"), [("en", "Own question"), ("de", "Eigene Frage")])
def test_what_it_asks_for_is_named_in_the_language_of_the_interview(
    language: str, words: str, session: InterviewSession
) -> None:
    InterviewSession.objects.update(language=language, interview_type="technical")

    added = add_question(session=session, text="Why us?")

    assert (added.competency, added.type) == (words, "technical")


def test_a_double_click_adds_one(session: InterviewSession) -> None:
    first = add_question(session=session, text="Why us?")
    second = add_question(session=session, text="Why  us?")

    assert first == second
    assert len(asked(session)) == 4


def test_an_added_one_takes_the_place_of_a_missing_one(
    alice: User, session: InterviewSession
) -> None:
    InterviewSession.objects.update(question_count=5)

    add_question(session=session, text="Why us?")

    detail = session_detail(session.pk, alice)
    assert (detail.session.question_count, detail.missing_questions) == (5, 1)


def test_there_are_at_most_ten(session: InterviewSession) -> None:
    for number in range(7):
        add_question(session=session, text=f"Question {number}")

    with pytest.raises(TooManyQuestions):
        add_question(session=session, text="One more")


VERBS: dict[str, Any] = {
    "move": lambda question: move_question(question=question, by=1),
    "leave out": lambda question: leave_out_question(question=question),
    "add": lambda question: add_question(session=question.session, text="Why us?"),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_nothing_changes_from_the_first_answer_on(verb: Any, session: InterviewSession) -> None:
    question = of(session, "A")
    answer, _ = save_answer(question=of(session, "C"), text="No.")

    with pytest.raises(PlanClosed):
        verb(question)

    finish_session(session=answer.question.session)
    with pytest.raises(SessionFinished):
        verb(question)
    assert asked(session) == list(enumerate("ABC", start=1))


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_nothing_changes_while_questions_are_written(verb: Any, session: InterviewSession) -> None:
    OperationFactory(
        kind="question_generation",
        subject_id=str(session.pk),
        session_id=session.pk,
        owner=session.owner,
    )

    with pytest.raises(SessionNotReady):
        verb(of(session, "A"))


def test_an_added_question_is_answered_and_judged_like_the_others(
    session: InterviewSession,
) -> None:
    added = add_question(session=session, text="Why us?", competency="Motivation")

    _answer, operation = save_answer(question=added, text="I used your ferry for nine years. " * 5)

    assert operation.kind == "feedback_analysis"
    assert operation.status == Operation.Status.PENDING


# --- The page -----------------------------------------------------------------------------------


def plan(session: InterviewSession) -> str:
    return f"/practice/{session.pk}/plan/"


def test_the_practice_leads_to_its_plan_before_the_first_answer(
    here: Client, session: InterviewSession
) -> None:
    assert f'href="{plan(session)}"' in here.get(f"/practice/{session.pk}/").text

    AnswerFactory(question=of(session, "A"))

    assert f'href="{plan(session)}"' not in here.get(f"/practice/{session.pk}/").text
    assert here.get(plan(session))["Location"] == f"/practice/{session.pk}/"


def test_buttons_move_and_leave_out(here: Client, session: InterviewSession) -> None:
    moved, left_out = of(session, "C"), of(session, "A")

    answer = here.post(f"/questions/{moved.pk}/move/", {"to": "up"})
    here.post(f"/questions/{left_out.pk}/leave-out/")

    assert answer["Location"] == f"{plan(session)}#question-{moved.pk}"
    assert asked(session) == [(1, "C"), (2, "B")]


def test_a_question_is_added_and_kept(here: Client, alice: User, session: InterviewSession) -> None:
    here.post(plan(session), {"text": "Why\nus?", "competency": "Motivation", "keep": "on"})

    assert asked(session)[-1] == (4, "Why\nus?")
    story = Story.objects.get(owner=alice)
    assert (story.title, story.question, story.text) == ("Why us?", "Why\nus?", "")


def test_an_empty_question_is_refused_beside_what_was_typed(
    here: Client, session: InterviewSession
) -> None:
    answer = here.post(plan(session), {"text": " ", "competency": "Motivation"})

    assert answer.status_code == 400
    assert 'value="Motivation"' in answer.text


def test_a_refused_question_is_still_in_the_box(here: Client, session: InterviewSession) -> None:
    AnswerFactory(question=of(session, "A"))

    answer = here.post(plan(session), {"text": "Why us?"})

    assert answer.status_code == 409
    assert "only before the first answer" in answer.text
    assert "Why us?</textarea>" in answer.text


def test_one_comes_from_the_library(here: Client, alice: User, session: InterviewSession) -> None:
    story = StoryFactory(owner=alice, question="Which price is wrong?", competency="Pricing")
    assert f'value="{story.pk}"' in here.get(plan(session)).text

    here.post(plan(session), {"story": str(story.pk)})

    assert of(session, "Which price is wrong?").competency == "Pricing"


@pytest.mark.parametrize("chosen", ["", "x", "00000000-0000-4000-8000-000000000000"])
def test_what_is_in_no_library_of_mine_is_not_there(
    chosen: str, here: Client, session: InterviewSession
) -> None:
    assert here.post(plan(session), {"story": chosen}).status_code == 404


def test_others_questions_do_not_exist(
    client: Client, bob: User, session: InterviewSession
) -> None:
    client.force_login(bob)
    question, theirs = of(session, "B"), StoryFactory(owner=session.owner)

    assert client.get(plan(session)).status_code == 404
    assert client.post(plan(session), {"text": "Why us?"}).status_code == 404
    assert client.post(f"/questions/{question.pk}/move/", {"to": "up"}).status_code == 404
    assert client.post(f"/questions/{question.pk}/leave-out/").status_code == 404
    own = InterviewSessionFactory(owner=bob)
    QuestionFactory(session=own)
    assert client.post(plan(own), {"story": str(theirs.pk)}).status_code == 404
    assert asked(session) == list(enumerate("ABC", start=1))

"""One more question about an answer, at every door, from its start to its feedback."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from interview_app.exports import session_markdown
from interview_app.follow_ups import ask_follow_up
from interview_app.kinds.session_summary import user_message
from interview_app.models import MAX_FOLLOW_UPS, Answer, Question
from interview_app.queries import session_detail
from interview_app.refusals import NotAnswered, SessionFinished, TooManyFollowUps
from interview_app.services import ask_missing_questions, finish_session, save_answer
from interview_app.tests.engine import run_what_is_due
from interview_app.tests.factories import (
    AnswerFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
)
from interview_app.tests.samples import STRONG_ANSWER
from operations.kinds import ProviderRequest, get_kind
from operations.models import Operation
from operations.services import cancel_operation
from operations.tests.api_client import api_client, assert_problem
from operations.tests.factories import OperationFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

KIND = get_kind("follow_up_question")


@pytest.fixture
def answer(alice: User) -> Answer:
    """To the second of two planned questions."""
    session = InterviewSessionFactory(owner=alice, question_count=2)
    QuestionFactory(session=session)
    question = QuestionFactory(session=session, type="technical", competency="Ledgers")
    made: Answer = FeedbackFactory(answer__question=question).answer
    return made


def path(answer: Answer) -> str:
    return f"/api/v1/questions/{answer.question_id}/follow-up/"


def page_of(client: Client, answer: Answer) -> str:
    client.force_login(answer.question.session.owner)
    return client.get(f"/questions/{answer.question_id}/").text


def asked(answer: Answer) -> Question:
    ask_follow_up(question=answer.question)
    run_what_is_due()
    return Question.objects.get(follow_up_to=answer)


def test_the_api_asks_for_one_and_shows_it_in_the_session(alice: User, answer: Answer) -> None:
    response = api_client(alice).post(path(answer))
    run_what_is_due()

    operation = response.json()
    assert (response.status_code, operation["kind"]) == (202, "follow_up_question")
    assert operation["subject"] == {"type": "answer", "id": str(answer.pk)}
    session = api_client(alice).get(f"/api/v1/sessions/{answer.question.session_id}/").json()
    made = session["questions"][-1]
    assert [each["number"] for each in session["questions"]] == [1, 2, 3]
    assert (made["follow_up_to"], made["type"], made["competency"]) == (
        str(answer.pk),
        "technical",
        "Ledgers",
    )
    assert [each["follow_up_to"] for each in session["questions"][:2]] == [None, None]
    assert session["simulated"]


def test_one_answer_has_one_follow_up_however_often_it_is_asked_for(
    alice: User, answer: Answer
) -> None:
    client = api_client(alice)
    first = client.post(path(answer)).json()["id"]
    while_pending = client.post(path(answer)).json()["id"]
    run_what_is_due()
    afterwards = client.post(path(answer)).json()["id"]
    run_what_is_due()

    assert first == while_pending == afterwards
    assert Question.objects.filter(follow_up_to=answer).count() == 1


def test_a_further_answer_has_a_follow_up_of_its_own(answer: Answer) -> None:
    first = asked(answer)
    second = asked(AnswerFactory(question=answer.question))

    assert [first.number, second.number] == [3, 4]
    assert first.text != second.text


def test_one_that_failed_is_asked_for_again_on_the_same_row(
    alice: User, answer: Answer, settings: Settings
) -> None:
    settings.SIMULATED_FAULTS = "rate_limit:1"
    failed = ask_follow_up(question=answer.question)
    run_what_is_due()
    failed.refresh_from_db()
    settings.SIMULATED_FAULTS = ""

    again = api_client(alice).post(path(answer)).json()
    run_what_is_due()

    assert (failed.status, again["id"]) == ("failed", str(failed.pk))
    assert Question.objects.get(follow_up_to=answer).number == 3


def test_one_that_was_stopped_can_be_asked_for_again(answer: Answer) -> None:
    operation = ask_follow_up(question=answer.question)
    cancel_operation(operation_id=operation.pk, door="page")

    assert asked(answer).operation_id == operation.pk


def test_it_is_answered_analysed_and_followed_like_any_other(answer: Answer) -> None:
    follow_up = asked(answer)

    given, _ = save_answer(question=follow_up, text=STRONG_ANSWER)
    run_what_is_due()
    further = asked(given)

    detail = session_detail(follow_up.session_id, follow_up.session.owner)
    assert detail.questions[2].is_scored
    assert (detail.questions[2].follows, detail.questions[3].follows) == (2, 3)
    assert (further.competency, further.number) == ("Ledgers", 4)


def test_without_an_answer_there_is_nothing_to_follow(alice: User) -> None:
    question = QuestionFactory(session__owner=alice)

    response = api_client(alice).post(f"/api/v1/questions/{question.pk}/follow-up/")

    assert_problem(response, 409, NotAnswered.code)


def test_after_the_end_there_is_none(alice: User, answer: Answer) -> None:
    finish_session(session=answer.question.session)

    assert_problem(api_client(alice).post(path(answer)), 409, SessionFinished.code)


def test_a_session_has_ten_at_most(alice: User, client: Client, answer: Answer) -> None:
    session = answer.question.session
    for number in range(MAX_FOLLOW_UPS):
        OperationFactory(
            kind=KIND.name, subject_id=f"earlier {number}", session_id=session.pk, completed=True
        )

    assert_problem(api_client(alice).post(path(answer)), 409, TooManyFollowUps.code)
    assert "Ask me a follow-up" not in page_of(client, answer)


def test_somebody_elses_answer_gets_none(bob: User, answer: Answer) -> None:
    assert_problem(api_client(bob).post(path(answer)), 404, "NOT_FOUND")
    assert not Operation.objects.exists()


def test_what_is_missing_is_asked_for_beside_it(answer: Answer) -> None:
    session = answer.question.session
    session.question_count = 3
    session.save()
    follow_up = asked(answer)
    before = session_detail(session.pk, session.owner)

    ask_missing_questions(session=session)
    run_what_is_due()

    after = session_detail(session.pk, session.owner)
    assert follow_up.number == 4
    assert (before.missing_questions, after.missing_questions) == (1, 0)
    assert [each.question.number for each in after.questions] == [1, 2, 3, 4]


def test_it_is_no_gap_until_it_is_answered(answer: Answer) -> None:
    follow_up = asked(answer)
    owner, session_id = follow_up.session.owner, follow_up.session_id
    open_one = session_detail(session_id, owner)
    save_answer(question=follow_up, text=STRONG_ANSWER)
    answered = session_detail(session_id, owner)

    assert (open_one.missing_questions, open_one.standing.missing) == (0, [1])
    assert '"question": 3' not in user_message(open_one.session, open_one.questions)
    assert answered.standing.missing == [1, 3]
    assert '"question": 3' in user_message(answered.session, answered.questions)


def test_a_failed_one_hides_no_failed_feedback_and_holds_up_no_end(answer: Answer) -> None:
    session = answer.question.session
    about = {"subject_type": "answer", "subject_id": str(answer.pk), "session_id": session.pk}
    analysis = OperationFactory(kind="feedback_analysis", failed=True, **about)
    follow_up = OperationFactory(kind=KIND.name, failed=True, **about)

    detail = session_detail(session.pk, session.owner)
    assert {each.pk for each in detail.needing_attention} == {analysis.pk, follow_up.pk}

    finish_session(session=session)
    detail = session_detail(session.pk, session.owner)
    assert detail.needing_attention == [analysis]


def test_the_page_offers_it_under_the_feedback_and_leads_to_it(
    client: Client, answer: Answer
) -> None:
    button = f"/questions/{answer.question_id}/follow-up/"
    assert f'formaction="{button}"' in page_of(client, answer)

    assert client.post(button, follow=True).redirect_chain == [
        (f"/questions/{answer.question_id}/", 302)
    ]
    waiting = page_of(client, answer)
    live = client.get(f"/questions/{answer.question_id}/live/").text
    run_what_is_due()
    done = page_of(client, answer)

    made = Question.objects.get(follow_up_to=answer)
    assert "Thinking of a follow-up question" in waiting
    assert 'data-unfinished="true"' in live
    assert "Ask me a follow-up" not in waiting + done
    assert f'href="/questions/{made.pk}/"' in done
    assert "Follow-up to question 2" in client.get(f"/questions/{made.pk}/").text
    assert "Follow-up to question 2" in client.get(f"/practice/{made.session_id}/").text


def test_the_page_tells_what_failed_and_why_not(
    client: Client, answer: Answer, settings: Settings
) -> None:
    settings.SIMULATED_FAULTS = "rate_limit:1"
    ask_follow_up(question=answer.question)
    run_what_is_due()
    unanswered = QuestionFactory(session=answer.question.session)

    page = page_of(client, answer)
    refused = client.post(f"/questions/{unanswered.pk}/follow-up/", follow=True)

    assert "We could not ask a follow-up question" in page
    assert "Your answer is saved" in page
    assert "please answer this question first" in refused.text


def test_like_the_real_thing_none_is_offered_before_the_end(client: Client, answer: Answer) -> None:
    session = answer.question.session
    session.mode = "real"
    session.save()

    assert "Ask me a follow-up" not in page_of(client, answer)


def test_export_and_admin_say_what_it_follows(client: Client, answer: Answer) -> None:
    follow_up = asked(answer)
    detail = session_detail(follow_up.session_id, follow_up.session.owner)
    client.force_login(UserFactory(is_staff=True, is_superuser=True))

    page = client.get(f"/admin/interview_app/interviewsession/{follow_up.session_id}/change/").text

    assert "## Question 3\n\nFollow-up to question 2\n\n" in session_markdown(detail)
    assert "ollow-up to question:" in page


def test_a_reply_that_asks_the_same_again_is_refused(answer: Answer) -> None:
    operation = OperationFactory(kind=KIND.name, subject_id=str(answer.pk))
    request = request_for(operation)
    said = {"text": f" {answer.question.text.upper()} ", "why": ""}

    with pytest.raises(Exception, match="SCHEMA_MISMATCH"):
        KIND.parse(said, request)


def request_for(operation: Operation) -> ProviderRequest:
    subjects = KIND.subjects([operation])
    return KIND.request(operation, subjects[operation.subject_id])


def simulated(answer: Answer) -> dict[str, Any]:
    operation = OperationFactory(kind=KIND.name, subject_id=str(answer.pk), completed=True)
    request = request_for(operation)
    body = {
        "messages": list(request.messages),
        "response_format": {"json_schema": {"schema": request.schema}},
    }
    content: Any = KIND.simulate(body)
    KIND.parse(content, request)
    return dict(content)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("text", [STRONG_ANSWER, "No.", "…"], ids=["story", "short", "nothing"])
def test_the_simulation_never_runs_out_of_questions(
    text: str, language: str, answer: Answer
) -> None:
    Answer.objects.filter(pk=answer.pk).update(text=text)
    session = answer.question.session
    session.language = language
    session.save()

    for _ in range(MAX_FOLLOW_UPS):
        QuestionFactory(session=session, text=simulated(answer)["text"])

    texts = set(session.questions.values_list("text", flat=True))
    assert len(texts) == 2 + MAX_FOLLOW_UPS


def test_the_simulation_quotes_the_answer(answer: Answer) -> None:
    content = simulated(answer)

    quoted = content["text"].split("“")[1].split("”")[0]
    assert quoted in answer.text
    assert quoted in content["why"]

"""The interview over HTTP: start, answer, finish, delete; shapes, limits and ownership."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from interview_app.models import (
    ANSWER_MAX_LENGTH,
    POSTING_MAX_LENGTH,
    RESUME_MAX_LENGTH,
    ROLE_MAX_LENGTH,
    Answer,
    Draft,
    InterviewSession,
    Question,
)
from interview_app.queries import begun_detail
from interview_app.services import delete_session, start_session
from interview_app.tests.factories import (
    AnswerFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    JobPostingFactory,
    QuestionFactory,
    ResumeFactory,
    SessionSummaryFactory,
)
from operations.models import Door, IdempotencyKey, Operation
from operations.services import cancel_operation
from operations.tests.api_client import api_client, assert_problem, escaped_json, grant
from operations.tests.factories import OperationFactory, UserFactory

pytestmark = pytest.mark.django_db

SESSIONS = "/api/v1/sessions/"
LONG_ANSWER = (
    "In my last role I led the move of our billing from a nightly job to events. I wrote the plan,"
    " split the work in three steps and paired with two colleagues. After six weeks invoices were"
    " out in 4 minutes instead of 9 hours, and support tickets fell by 40 percent."
)
OPERATION_KEYS = {
    "id",
    "kind",
    "status",
    "session",
    "subject",
    "attempts",
    "attempts_left",
    "next_attempt_at",
    "waiting",
    "error_code",
    "error_message",
    "error",
    "simulated",
    "model",
    "usage",
    "created_at",
    "started_at",
    "finished_at",
}
SESSION_KEYS = {
    "id",
    "status",
    "role",
    "job_posting",
    "seniority",
    "question_count",
    "interview_type",
    "mode",
    "language",
    "attempt_number",
    "questions",
    "operations",
    "summary",
    "simulated",
    "usage",
    "created_at",
    "finished_at",
}


@pytest.fixture
def alice() -> User:
    return UserFactory(username="alice")


@pytest.fixture
def bob() -> User:
    return UserFactory(username="bob")


@pytest.fixture
def session(alice: User) -> InterviewSession:
    """A session of Alice's with three questions."""
    session = InterviewSessionFactory(owner=alice)
    for number in (1, 2, 3):
        QuestionFactory(session=session, number=number)
    return session


def question_of(session: InterviewSession, number: int = 1) -> Question:
    return session.questions.get(number=number)


def session_path(session: InterviewSession, verb: str = "") -> str:
    return f"{SESSIONS}{session.pk}/{verb}"


def question_path(question: Question, verb: str) -> str:
    return f"/api/v1/questions/{question.pk}/{verb}/"


def full_session(owner: User) -> InterviewSession:
    """A session in which everything has happened."""
    session = InterviewSessionFactory(owner=owner)
    generation = OperationFactory(
        owner=owner, completed=True, subject_id=str(session.pk), session_id=session.pk
    )
    for number in (1, 2):
        question = QuestionFactory(session=session, number=number, operation=generation)
        for answer_number in (1, 2):
            answer = AnswerFactory(question=question, number=answer_number)
            operation = OperationFactory(
                owner=owner,
                completed=True,
                kind="feedback_analysis",
                subject_type="answer",
                subject_id=str(answer.pk),
                session_id=session.pk,
            )
            FeedbackFactory(answer=answer, operation=operation)
    Draft.objects.create(question=question, text="Then I")
    SessionSummaryFactory(session=session)
    return session


def queries_of(action: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        action()
    return len(captured)


# --- Start --------------------------------------------------------------------------------------


def test_starting_makes_the_session_and_its_operation(alice: User) -> None:
    response = api_client(alice).post(
        SESSIONS, {"role": "Backend engineer", "job_description": "We bill."}
    )

    body = response.json()
    operation = Operation.objects.get()
    assert response.status_code == 201
    assert response["Location"].endswith(f"{SESSIONS}{body['id']}/")
    assert body.keys() == SESSION_KEYS | {"operation", "estimate"}
    assert body["operation"].keys() == OPERATION_KEYS
    assert body["operation"]["id"] == str(operation.pk)
    assert body["operation"]["subject"] == {"type": "session", "id": body["id"]}
    assert (body["operation"]["kind"], body["operation"]["status"]) == (
        "question_generation",
        "pending",
    )
    assert [each["id"] for each in body["operations"]] == [str(operation.pk)]
    assert operation.events.get().door == "api"
    assert {name: body[name] for name in ("status", "seniority", "question_count", "mode")} == {
        "status": "preparing",
        "seniority": "mid",
        "question_count": 5,
        "mode": "practice",
    }
    assert (body["interview_type"], body["language"]) == ("mixed", "en")
    assert body["questions"] == []
    assert body["summary"] is body["finished_at"] is body["job_posting"] is None


def test_everything_can_be_chosen(alice: User) -> None:
    chosen = {
        "role": "Bürokauffrau 👩‍💼",
        "job_description": "  Wir suchen …\r\n",
        "seniority": "intern",
        "question_count": 10,
        "interview_type": "technical",
        "mode": "real",
        "language": "de",
        "resume_text": "مهندسة",
    }

    body = api_client(alice).post(SESSIONS, chosen).json()

    row = InterviewSession.objects.get()
    assert (row.job_description, row.resume_text) == ("  Wir suchen …\r\n", "مهندسة")
    assert {name: body[name] for name in chosen if name in body} == {
        name: value for name, value in chosen.items() if name in body
    }


def test_posting_fills_what_is_left_out(alice: User) -> None:
    posting = JobPostingFactory(
        owner=alice, title="Cook", description="We cook.", experience_level="lead", language="de"
    )

    body = api_client(alice).post(SESSIONS, {"job_posting": str(posting.pk)}).json()

    assert (body["role"], body["seniority"], body["language"]) == ("Cook", "lead", "de")
    assert body["job_posting"] == str(posting.pk)
    assert InterviewSession.objects.get().job_description == "We cook."


def test_what_is_sent_overrides_the_posting(alice: User) -> None:
    posting = JobPostingFactory(owner=alice, title="Cook", experience_level="lead")

    body = (
        api_client(alice)
        .post(SESSIONS, {"job_posting": str(posting.pk), "role": "Chef", "seniority": "junior"})
        .json()
    )

    assert (body["role"], body["seniority"]) == ("Chef", "junior")


def test_posting_of_somebody_else_does_not_exist(alice: User) -> None:
    posting = JobPostingFactory()

    response = api_client(alice).post(SESSIONS, {"job_posting": str(posting.pk)})

    errors = assert_problem(response, 400, "VALIDATION_ERROR")["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [
        ("job_posting", "does_not_exist")
    ]


def test_stored_resume_is_used_unless_another_is_sent(alice: User) -> None:
    ResumeFactory(owner=alice, text="The stored one.")
    client = api_client(alice)

    stored = client.post(SESSIONS, {"role": "Cook"}).json()["id"]
    sent = client.post(SESSIONS, {"role": "Cook", "resume_text": "Another one."}).json()["id"]
    none = client.post(SESSIONS, {"role": "Cook", "resume_text": ""}).json()["id"]

    texts = dict(InterviewSession.objects.values_list("pk", "resume_text"))
    assert texts[uuid.UUID(stored)] == "The stored one."
    assert texts[uuid.UUID(sent)] == "Another one."
    assert texts[uuid.UUID(none)] == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("role", ""),
        ("role", "   "),
        ("role", "x" * (ROLE_MAX_LENGTH + 1)),
        ("role", "a\x00b"),
        ("role", "a\ud800b"),
        ("job_description", "x" * (POSTING_MAX_LENGTH + 1)),
        ("job_description", "a\x00b"),
        ("resume_text", "x" * (RESUME_MAX_LENGTH + 1)),
        ("resume_text", "a\udfffb"),
        ("seniority", "wizard"),
        ("seniority", "mid\x00"),
        ("question_count", 0),
        ("question_count", 11),
        ("question_count", "many"),
        ("question_count", 1.5),
        ("interview_type", "odd"),
        ("mode", "dream"),
        ("language", "fr"),
        ("job_posting", "no id"),
        ("job_posting", "00000000-0000-4000-8000-000000000001"),
        ("job_posting", 7),
    ],
)
def test_what_cannot_be_used_names_its_field(alice: User, field: str, value: object) -> None:
    response = api_client(alice).post(SESSIONS, **escaped_json({"role": "Cook", field: value}))

    errors = assert_problem(response, 400, "VALIDATION_ERROR")["errors"]
    assert [error["field"] for error in errors] == [field]
    assert not InterviewSession.objects.exists()
    assert not Operation.objects.exists()


def test_role_is_needed_where_no_posting_gives_one(alice: User) -> None:
    errors = assert_problem(api_client(alice).post(SESSIONS, {}), 400, "VALIDATION_ERROR")["errors"]

    assert [(error["field"], error["code"]) for error in errors] == [("role", "required")]


def test_longest_texts_are_kept(alice: User) -> None:
    response = api_client(alice).post(
        SESSIONS,
        {
            "role": "r" * ROLE_MAX_LENGTH,
            "job_description": "😀" * POSTING_MAX_LENGTH,
            "resume_text": "é" * RESUME_MAX_LENGTH,
        },
    )

    assert response.status_code == 201


def test_person_with_too_much_unfinished_has_to_wait(alice: User, settings: Settings) -> None:
    settings.MAX_UNFINISHED_OPERATIONS_PER_USER = 1
    OperationFactory(owner=alice)

    response = api_client(alice).post(SESSIONS, {"role": "Cook"})

    assert_problem(response, 429, "TOO_MANY_OPERATIONS")
    assert not InterviewSession.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_twenty_parallel_starts_with_one_key_one_makes_a_session(alice: User) -> None:
    clients = [api_client(alice) for _ in range(20)]

    def start(client: APIClient) -> Any:
        try:
            return client.post(SESSIONS, {"role": "Cook"}, headers={"idempotency-key": "k1"})
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=20) as pool:
        responses = list(pool.map(start, clients))

    assert {response.status_code for response in responses} == {201}
    assert len({response.json()["id"] for response in responses}) == 1
    assert sum("Idempotent-Replayed" not in response for response in responses) == 1
    assert (InterviewSession.objects.count(), Operation.objects.count()) == (1, 1)
    assert IdempotencyKey.objects.count() == 1


def test_replay_of_a_start_shows_the_session_as_it_is_now(alice: User) -> None:
    client = api_client(alice)
    headers = {"idempotency-key": "k1"}
    session_id = client.post(SESSIONS, {"role": "Cook"}, headers=headers).json()["id"]
    QuestionFactory(session_id=session_id, number=1, session=None)

    response = client.post(SESSIONS, {"role": "Cook"}, headers=headers)

    assert (response.status_code, response.json()["status"]) == (201, "ready")
    assert len(response.json()["questions"]) == 1


@pytest.mark.parametrize("path", ["start", "retake"])
def test_answer_of_a_start_is_the_one_that_its_rows_give(alice: User, path: str) -> None:
    client, headers = api_client(alice), {"idempotency-key": "k1"}
    earlier = client.post(SESSIONS, {"role": "Cook", "resume_text": "Cooked."}).json()["id"]
    url = SESSIONS if path == "start" else f"{SESSIONS}{earlier}/retake/"
    body = {"role": " Cook ", "seniority": "lead", "question_count": 3} if path == "start" else {}

    with CaptureQueriesContext(connection) as asked:
        made = client.post(url, body, headers=headers)

    assert not [each for each in asked if "interview_app_answer" in each["sql"]]
    assert client.post(url, body, headers=headers).json() == made.json()


@pytest.mark.parametrize("change", ["cancel", "delete"])
def test_start_that_others_have_touched_is_read_anew(alice: User, change: str) -> None:
    session, operation = start_session(owner=alice, role="Cook")
    assert begun_detail(session, operation) is not None

    if change == "cancel":
        cancel_operation(operation_id=operation.pk, actor=alice, door=Door.API)
    else:
        delete_session(session=session, actor=alice)

    assert begun_detail(session, operation) is None


def test_replay_of_a_start_whose_session_was_deleted_finds_nothing(alice: User) -> None:
    client = api_client(alice)
    headers = {"idempotency-key": "k1"}
    session_id = client.post(SESSIONS, {"role": "Cook"}, headers=headers).json()["id"]
    client.delete(f"{SESSIONS}{session_id}/")

    response = client.post(SESSIONS, {"role": "Cook"}, headers=headers)

    assert_problem(response, 404, "NOT_FOUND")


# --- Shape --------------------------------------------------------------------------------------


def test_session_has_the_shape_of_the_contract(alice: User) -> None:
    session = full_session(alice)

    body = api_client(alice).get(session_path(session)).json()

    first, second = body["questions"]
    assert body.keys() == SESSION_KEYS
    assert first.keys() == {
        "id",
        "number",
        "follow_up_to",
        "second_opinion",
        "text",
        "type",
        "competency",
        "why",
        "answer",
        "answers",
        "draft",
        "feedback",
        "operation",
    }
    assert first["answer"].keys() == {"id", "number", "text", "word_count", "created_at"}
    assert [answer["number"] for answer in first["answers"]] == [1, 2]
    assert first["answer"] == first["answers"][1]
    assert first["feedback"].keys() == {
        "id",
        "answer",
        "score",
        "criteria",
        "strengths",
        "fixes",
        "rewrite",
        "response_type",
        "not_scored_reason",
        "simulated",
        "model",
        "prompt_version",
        "rubric_version",
        "reused",
        "created_at",
    }
    assert first["feedback"]["answer"] == first["answer"]["id"]
    assert first["operation"]["subject"] == {"type": "answer", "id": first["answer"]["id"]}
    assert first["draft"] is None
    assert second["draft"].keys() == {"text", "saved_at"}
    assert body["summary"].keys() == {
        "text",
        "overall",
        "by_competency",
        "strengths",
        "habits",
        "exercise",
        "missing",
        "simulated",
        "model",
        "prompt_version",
        "created_at",
    }
    assert len(body["operations"]) == 5
    assert all(operation.keys() == OPERATION_KEYS for operation in body["operations"])


def test_scores_are_numbers_with_one_decimal(alice: User) -> None:
    session = InterviewSessionFactory(owner=alice)
    FeedbackFactory(answer__question__session=session, score="4.0")
    SessionSummaryFactory(session=session, overall="3.5")

    response = api_client(alice).get(session_path(session))

    assert '"score":4.0' in response.content.decode()
    assert response.json()["summary"]["overall"] == 3.5


def test_unscored_feedback_has_no_number(alice: User) -> None:
    session = InterviewSessionFactory(owner=alice)
    FeedbackFactory(answer__question__session=session, score=None, not_scored_reason="too_short")

    feedback = api_client(alice).get(session_path(session)).json()["questions"][0]["feedback"]

    assert (feedback["score"], feedback["not_scored_reason"]) == (None, "too_short")


def test_question_without_an_answer_has_nulls(alice: User, session: InterviewSession) -> None:
    question = api_client(alice).get(session_path(session)).json()["questions"][0]

    assert question["answers"] == []
    assert question["answer"] is question["feedback"] is question["operation"] is None


def test_operations_are_the_newest_of_each_subject(alice: User) -> None:
    session = InterviewSessionFactory(owner=alice)
    subject = {"subject_id": str(session.pk), "session_id": session.pk, "owner": alice}
    OperationFactory(failed=True, **subject)
    newest = OperationFactory(**subject)

    body = api_client(alice).get(session_path(session)).json()

    assert [each["id"] for each in body["operations"]] == [str(newest.pk)]
    assert body["status"] == "preparing"


def test_failed_part_needs_attention(alice: User) -> None:
    session = InterviewSessionFactory(owner=alice)
    OperationFactory(failed=True, owner=alice, subject_id=str(session.pk), session_id=session.pk)

    body = api_client(alice).get(session_path(session)).json()

    assert body["status"] == "needs_attention"
    assert body["operations"][0]["error"]["message"]


def test_list_holds_whole_sessions_newest_first(alice: User) -> None:
    older, newer = full_session(alice), full_session(alice)
    full_session(UserFactory())
    client = api_client(alice)

    results = client.get(SESSIONS).json()["results"]

    assert [row["id"] for row in results] == [str(newer.pk), str(older.pk)]
    assert results[0] == client.get(session_path(newer)).json()


def test_list_asks_the_database_equally_often_for_2_and_for_20(alice: User) -> None:
    client = api_client(alice)
    for _ in range(2):
        full_session(alice)
    client.get(SESSIONS)  # the first use of a token is noted
    few = queries_of(lambda: client.get(SESSIONS))
    for _ in range(18):
        full_session(alice)

    assert len(client.get(SESSIONS).json()["results"]) == 20
    assert queries_of(lambda: client.get(SESSIONS)) == few


# --- Answer -------------------------------------------------------------------------------------


def test_answer_is_kept_word_for_word_with_its_operation(
    alice: User, session: InterviewSession
) -> None:
    text = f"  {LONG_ANSWER} 👩‍💻 شكرا\r\n"

    response = api_client(alice).post(question_path(question_of(session), "answer"), {"text": text})

    body = response.json()
    answer = Answer.objects.get()
    assert response.status_code == 201
    assert body.keys() == {"answer", "operation"}
    assert (body["answer"]["text"], answer.text) == (text, text)
    assert body["answer"]["id"] == str(answer.pk)
    assert body["operation"].keys() == OPERATION_KEYS
    assert body["operation"]["kind"] == "feedback_analysis"
    assert body["operation"]["subject"] == {"type": "answer", "id": str(answer.pk)}
    assert body["operation"]["status"] == "pending"


def test_further_answers_are_numbered(alice: User, session: InterviewSession) -> None:
    client = api_client(alice)
    path = question_path(question_of(session), "answer")

    numbers = [
        client.post(path, {"text": f"{LONG_ANSWER} {n}"}).json()["answer"]["number"]
        for n in (1, 2, 3)
    ]

    assert numbers == [1, 2, 3]


def test_answer_that_cannot_be_scored_costs_no_call(alice: User, session: InterviewSession) -> None:
    client = api_client(alice)
    path = question_path(question_of(session), "answer")

    operation = client.post(path, {"text": "No."}).json()["operation"]

    assert (operation["status"], operation["attempts"]) == ("completed", 0)
    question = client.get(session_path(session)).json()["questions"][0]
    assert question["feedback"]["score"] is None
    assert question["feedback"]["not_scored_reason"]


def test_who_insists_gets_a_call(alice: User, session: InterviewSession) -> None:
    response = api_client(alice).post(
        question_path(question_of(session), "answer"), {"text": "No.", "insist": True}
    )

    assert response.json()["operation"]["status"] == "pending"


@pytest.mark.parametrize(
    "text",
    ["", "  ", "x" * (ANSWER_MAX_LENGTH + 1), "a\x00b", "a\ud83d", None, {"a": 1}],
    ids=["empty", "blank", "too long", "NUL", "lone surrogate", "null", "object"],
)
def test_answer_that_cannot_be_kept_names_its_field(
    alice: User, session: InterviewSession, text: object
) -> None:
    response = api_client(alice).post(
        question_path(question_of(session), "answer"), **escaped_json({"text": text})
    )

    errors = assert_problem(response, 400, "VALIDATION_ERROR")["errors"]
    assert [error["field"] for error in errors] == ["text"]
    assert not Answer.objects.exists()


def test_no_answer_is_taken_after_the_end(alice: User, session: InterviewSession) -> None:
    InterviewSession.objects.update(finish_requested_at=timezone.now())

    response = api_client(alice).post(
        question_path(question_of(session), "answer"), {"text": LONG_ANSWER}
    )

    assert_problem(response, 409, "SESSION_FINISHED")


def test_answer_sent_twice_with_one_key_is_kept_once(
    alice: User, session: InterviewSession
) -> None:
    client = api_client(alice)
    path = question_path(question_of(session), "answer")
    first, second = (
        client.post(path, {"text": LONG_ANSWER}, headers={"idempotency-key": "k1"})
        for _ in range(2)
    )
    InterviewSession.objects.update(finish_requested_at=timezone.now())
    late = client.post(path, {"text": LONG_ANSWER}, headers={"idempotency-key": "k1"})

    assert first.json() == second.json() == late.json()
    assert second["Idempotent-Replayed"] == late["Idempotent-Replayed"] == "true"
    assert Answer.objects.count() == 1


def test_draft_is_kept_and_shown(alice: User, session: InterviewSession) -> None:
    client = api_client(alice)

    response = client.patch(question_path(question_of(session), "draft"), {"text": " In my "})

    assert response.status_code == 200
    assert response.json().keys() == {"text", "saved_at"}
    assert response.json()["text"] == " In my "
    question = client.get(session_path(session)).json()["questions"][0]
    assert question["draft"] == response.json()


def test_draft_can_be_emptied_but_not_left_out(alice: User, session: InterviewSession) -> None:
    client = api_client(alice)
    path = question_path(question_of(session), "draft")

    assert client.patch(path, {"text": ""}).status_code == 200
    assert_problem(client.patch(path, {}), 400, "VALIDATION_ERROR")
    assert_problem(
        client.patch(path, {"text": "x" * (ANSWER_MAX_LENGTH + 1)}), 400, "VALIDATION_ERROR"
    )


# --- Finish and delete --------------------------------------------------------------------------


def test_missing_questions_are_asked_for(alice: User, session: InterviewSession) -> None:
    client = api_client(alice)
    OperationFactory(
        kind="question_generation",
        subject_id=str(session.pk),
        session_id=session.pk,
        owner=alice,
        completed=True,
    )
    session.question_count = session.questions.count() + 1
    session.save()

    response = client.post(session_path(session, "questions/"))
    again = client.post(session_path(session, "questions/"))

    assert response.status_code == 202
    assert response.json()["kind"] == "question_generation"
    assert again.json()["id"] == response.json()["id"]


def test_finishing_starts_the_summary(alice: User, session: InterviewSession) -> None:
    AnswerFactory(question=question_of(session))

    response = api_client(alice).post(session_path(session, "finish/"))

    body = response.json()
    assert response.status_code == 202
    assert response["Location"].endswith(f"/api/v1/operations/{body['id']}/")
    assert body.keys() == OPERATION_KEYS
    assert (body["kind"], body["status"]) == ("session_summary", "pending")
    assert body["subject"] == {"type": "session", "id": str(session.pk)}


def test_finishing_twice_gives_the_same_operation(alice: User, session: InterviewSession) -> None:
    AnswerFactory(question=question_of(session))
    client = api_client(alice)

    first, second = (client.post(session_path(session, "finish/")) for _ in range(2))

    assert first.json()["id"] == second.json()["id"]


def test_finish_is_replayed_by_its_key(alice: User, session: InterviewSession) -> None:
    AnswerFactory(question=question_of(session))
    client = api_client(alice)

    first, second = (
        client.post(session_path(session, "finish/"), headers={"idempotency-key": "k1"})
        for _ in range(2)
    )

    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"


def test_session_without_questions_or_answers_cannot_be_finished(
    alice: User, session: InterviewSession
) -> None:
    client = api_client(alice)
    empty = InterviewSessionFactory(owner=alice)

    assert_problem(client.post(session_path(empty, "finish/")), 409, "SESSION_NOT_READY")
    assert_problem(client.post(session_path(session, "finish/")), 409, "NOTHING_TO_SUMMARISE")


def test_deleting_cancels_what_is_unfinished(alice: User) -> None:
    client = api_client(alice)
    session_id = client.post(SESSIONS, {"role": "Cook"}).json()["id"]

    response = client.delete(f"{SESSIONS}{session_id}/")

    assert (response.status_code, response.content) == (204, b"")
    assert Operation.objects.get().status == "cancelled"
    assert_problem(client.get(f"{SESSIONS}{session_id}/"), 404, "NOT_FOUND")
    operations = client.get(f"/api/v1/operations/?session={session_id}").json()["results"]
    assert [each["status"] for each in operations] == ["cancelled"]


# --- Whose --------------------------------------------------------------------------------------


def requests_to(session: InterviewSession) -> list[tuple[str, str, dict[str, str]]]:
    question = question_of(session)
    return [
        ("get", session_path(session), {}),
        ("delete", session_path(session), {}),
        ("post", session_path(session, "finish/"), {}),
        ("patch", question_path(question, "draft"), {"text": "mine now"}),
        ("post", question_path(question, "answer"), {"text": LONG_ANSWER}),
    ]


def test_session_of_somebody_else_does_not_exist(bob: User, session: InterviewSession) -> None:
    client = api_client(bob)

    for method, path, body in requests_to(session):
        assert_problem(getattr(client, method)(path, body), 404, "NOT_FOUND")
    assert client.get(SESSIONS).json()["results"] == []
    assert not Answer.objects.exists()
    assert not Draft.objects.exists()


def test_staff_never_read_what_a_candidate_wrote(bob: User, session: InterviewSession) -> None:
    AnswerFactory(question=question_of(session), text="My private words.")
    bob.is_staff = True
    bob.save()
    client = api_client(
        grant(bob, "view_operation", "retry_operation", "view_content", "cancel_operation")
    )
    OperationFactory(owner=session.owner, session_id=session.pk)

    for method, path, body in requests_to(session):
        assert_problem(getattr(client, method)(path, body), 404, "NOT_FOUND")
    assert "My private words." not in client.get("/api/v1/operations/").content.decode()


def test_signing_in_comes_first(session: InterviewSession) -> None:
    for method, path, body in [
        *requests_to(session),
        ("get", SESSIONS, {}),
        ("post", SESSIONS, {"role": "Cook"}),
    ]:
        response = getattr(api_client(), method)(path, body)
        assert_problem(response, 401, "NOT_AUTHENTICATED")
        assert response["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize("path", ["sessions/1/", "sessions/x/finish/", "questions/1/answer/"])
def test_what_is_no_id_is_not_found(alice: User, path: str) -> None:
    assert_problem(api_client(alice).post(f"/api/v1/{path}", {}), 404, "NOT_FOUND")


def test_browser_session_needs_the_csrf_token(alice: User) -> None:
    client = api_client(enforce_csrf_checks=True)
    client.force_login(alice)

    assert_problem(client.post(SESSIONS, {"role": "Cook"}), 403, "PERMISSION_DENIED")
    assert not InterviewSession.objects.exists()

"""The main path through services and engine, against the simulation and against a real socket."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from interview_app.models import Answer, Feedback, InterviewSession, SessionSummary
from interview_app.queries import SessionDetail, session_detail
from interview_app.services import finish_session, save_answer, start_session
from interview_app.tests.engine import run_what_is_due
from interview_app.tests.samples import (
    BILLING_POSTING,
    GERMAN_ANSWER,
    GERMAN_POSTING,
    MARA_RESUME,
    PRODUCT_POSTING,
    STRONG_ANSWER,
    TOMASZ_RESUME,
)
from operations.models import Attempt, Operation, OperationEvent
from operations.services import retry_operation
from operations.tests.factories import UserFactory
from operations.tests.fault_server import FaultServer

pytestmark = pytest.mark.django_db(transaction=True)


def detail_of(session: InterviewSession) -> SessionDetail:
    return session_detail(session.pk, session.owner)


def practised(posting: str, resume: str, language: str, answer: str) -> InterviewSession:
    """The whole path: five questions, five answers, the end."""
    session, _ = start_session(
        owner=UserFactory(),
        role="Engineer",
        job_description=posting,
        resume_text=resume,
        language=language,
    )
    run_what_is_due()
    for each in detail_of(session).questions:
        save_answer(question=each.question, text=answer)
    run_what_is_due()
    finish_session(session=session)
    run_what_is_due()
    return session


@pytest.mark.parametrize(
    ("posting", "resume", "language", "answer"),
    [
        pytest.param(BILLING_POSTING, MARA_RESUME, "en", STRONG_ANSWER, id="billing"),
        pytest.param(PRODUCT_POSTING, TOMASZ_RESUME, "en", STRONG_ANSWER, id="product"),
        pytest.param(GERMAN_POSTING, MARA_RESUME, "de", GERMAN_ANSWER, id="german"),
    ],
)
def test_five_answers_get_five_feedbacks_and_a_summary(
    posting: str, resume: str, language: str, answer: str
) -> None:
    session = practised(posting, resume, language, answer)

    detail = detail_of(session)
    assert detail.status == "finished"
    assert (detail.answered_count, detail.scored_count) == (5, 5)
    assert detail.simulated
    assert detail.summary is not None
    assert detail.summary.missing == []
    assert detail.summary.overall == detail.standing.overall
    assert set(Operation.objects.values_list("status", "attempts")) == {("completed", 1)}


def test_nothing_that_a_person_wrote_is_in_a_log_or_in_the_ledger(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)

    practised(BILLING_POSTING, MARA_RESUME, "en", STRONG_ANSWER)

    out, err = capfd.readouterr()
    ledger = [str(list(model.objects.values())) for model in (Operation, Attempt, OperationEvent)]
    everything = "\n".join([caplog.text, str([each.__dict__ for each in caplog.records]), out, err])
    for words in ("Lindqvist", "Harbour Freight", "idempotency", "capture", "ledger table"):
        assert words not in everything
        assert not any(words in rows for rows in ledger)


@pytest.fixture
def provider(settings: Settings) -> Iterator[FaultServer]:
    """A fault server on loopback that the installation's key points to; it plays `ok`."""
    with FaultServer() as server:
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.port}/v1"
        settings.OPENAI_API_KEY = "sk-proj-a-key-for-tests-only"
        yield server


def test_the_path_works_against_a_server_that_fits_the_schema(provider: FaultServer) -> None:
    session = practised(BILLING_POSTING, MARA_RESUME, "en", STRONG_ANSWER)

    detail = detail_of(session)
    assert detail.status == "finished"
    assert not detail.simulated
    for feedback in Feedback.objects.all():
        assert feedback.score == 3
        assert len(feedback.strengths) == 3
        assert feedback.dropped_quotes == 0
        assert feedback.strengths[0]["quote"] == " ".join(STRONG_ANSWER.split()[:6])


def test_an_answer_stays_word_for_word_while_the_provider_refuses(provider: FaultServer) -> None:
    session, _ = start_session(owner=UserFactory(), role="Engineer", question_count=1)
    run_what_is_due()
    provider.playing = "rate_limit_tpm"
    question = detail_of(session).questions[0].question

    answer, operation = save_answer(question=question, text=STRONG_ANSWER)
    run_what_is_due()

    assert Answer.objects.get(pk=answer.pk).text == STRONG_ANSWER
    assert detail_of(session).status == "needs_attention"
    assert not Feedback.objects.exists()

    provider.playing = "ok"
    retry_operation(operation_id=operation.pk, door="page")
    run_what_is_due()
    assert detail_of(session).status == "in_progress"
    assert Feedback.objects.get().answer == answer


def test_a_summary_can_be_written_while_an_analysis_is_missing(provider: FaultServer) -> None:
    session, _ = start_session(owner=UserFactory(), role="Engineer", question_count=2)
    run_what_is_due()
    first, second = (each.question for each in detail_of(session).questions)
    save_answer(question=first, text=STRONG_ANSWER)
    run_what_is_due()
    provider.playing = "rate_limit_tpm"
    save_answer(question=second, text=STRONG_ANSWER)
    run_what_is_due()
    provider.playing = "ok"

    finish_session(session=session)
    run_what_is_due()

    assert SessionSummary.objects.get().missing == [second.number]
    assert SessionSummary.objects.get().overall == 3

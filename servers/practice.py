"""A whole practice with whatever server OPENAI_BASE_URL names, by the engine that workers run.

An operation that failed with advice to try again is tried once more, as a person would.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth import get_user_model

from interview_app import services
from interview_app.evidence import is_quoted_from
from interview_app.models import Feedback, InterviewSession, Question
from operations.engine.drain import Drain
from operations.errors import rule_of
from operations.models import Operation
from operations.services import retry_operation

SAMPLES = Path(__file__).resolve().parent.parent / "interview_app" / "tests" / "data" / "samples"
PAIRS = (
    ("job-backend-billing.txt", "resume-mara-lindqvist.txt"),
    ("job-product-manager.txt", "resume-tomasz-okafor.txt"),
)
QUESTIONS = 3
ANSWER = (
    "In 2022 our payment capture charged some drivers twice. I added idempotency keys to the "
    "capture endpoint, wrote a job that refunded 140 drivers, and afterwards no double charge was "
    "seen in six months. I would write the load test first next time."
)


@dataclass(frozen=True)
class End:
    """How one operation ended."""

    kind: str
    outcome: str
    attempts: int
    input_tokens: int
    output_tokens: int
    seconds: float


def texts_of(pair: int) -> tuple[str, str]:
    """Posting and résumé of PAIRS by number, from 1."""
    posting, resume = PAIRS[pair - 1]
    return (SAMPLES / posting).read_text("utf-8"), (SAMPLES / resume).read_text("utf-8")


def practise(posting: str, resume: str, *, language: str = "en") -> Iterator[End]:
    """Questions, three answers, feedback, summary. Where no question came, those of the simulated
    interviewer are put in their place, so that the rest is tried as well."""

    owner, _ = get_user_model().objects.get_or_create(username="practice")
    session, operation = services.start_session(
        owner=owner,
        role="Engineer",
        job_description=posting,
        resume_text=resume,
        question_count=QUESTIONS,
        language=language,
    )
    yield run(operation)
    if not session.questions.exists():
        Question.objects.create(
            session=session,
            number=1,
            text="What did you mend?",
            type="behavioral",
            competency="Care",
        )
    questions = list(session.questions.all())
    for number in range(QUESTIONS):
        question = questions[number % len(questions)]
        text = f"{ANSWER} That is answer {number + 1}."
        yield run(services.save_answer(question=question, text=text)[1])
    yield run(services.finish_session(session=InterviewSession.objects.get(pk=session.pk)))


def run(operation: Operation) -> End:
    """Drain, and once more where the failure's advice is to try again."""

    found = Operation.objects.get(pk=operation.pk)
    outcomes = []
    started = time.monotonic()
    for again in (False, True):
        asyncio.run(Drain(until_idle=True).run())
        found.refresh_from_db()
        outcomes.append(found.error_code or found.status)
        if again or found.status != "failed" or not rule_of(found.error_code).retryable:
            break
        retry_operation(operation_id=found.pk, door="command")
    return End(
        found.kind,
        ", then ".join(outcomes),
        found.attempts,
        found.input_tokens,
        found.output_tokens,
        time.monotonic() - started,
    )


def quotes_that_are_not_in_their_answer() -> list[str]:

    return [
        point["quote"]
        for feedback in Feedback.objects.select_related("answer")
        for point in (*feedback.strengths, *feedback.fixes)
        if point["quote"] and not is_quoted_from(point["quote"], feedback.answer.text)
    ]


def table(ends: Mapping[tuple[str, int], Sequence[End]]) -> Iterator[str]:
    """Lines of Markdown: what happened, by rung and pair."""
    yield "| rung | pair | operation | ends | calls | tokens in, out | seconds |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for (rung, pair), those in ends.items():
        for end in those:
            tokens = f"{end.input_tokens}, {end.output_tokens}"
            seconds = f"{end.seconds:.0f}"
            cells = (rung, pair, f"`{end.kind}`", end.outcome, end.attempts, tokens, seconds)
            yield "| " + " | ".join(map(str, cells)) + " |"

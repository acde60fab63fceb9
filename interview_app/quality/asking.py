"""Asks as a worker does: the kind's request, the OpenAI service with its retries and its ladder,
the kind's parse with all its guards. The rows that a request is built from are never saved, and
the database is not touched.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from pydantic import ValidationError

from interview_app.kinds.feedback_analysis import Analysis, FeedbackAnalysis
from interview_app.kinds.feedback_analysis import Subject as Judged
from interview_app.kinds.question_generation import QuestionGeneration, Questions, Subject
from interview_app.models import Answer, InterviewSession, Question
from interview_app.outline.entry import as_rows
from interview_app.outline.rules import entries_of
from interview_app.quality.golden import GIBBERISH, SORTS, Job
from interview_app.rubric import mean_score, rubric_for
from operations import openai_service, retry
from operations.credentials import Credential
from operations.errors import OpenAIServiceError
from operations.kinds import ProviderReply, ProviderRequest
from operations.models import Operation

QUESTIONS = "questions"
"""The sort of a trial that asks for a whole set of questions."""


@dataclass(frozen=True)
class Task:
    """One call to make: for an answer of this sort, or for questions."""

    job: Job
    sort: str
    run: int
    kind: FeedbackAnalysis | QuestionGeneration
    request: ProviderRequest


@dataclass(frozen=True)
class Trial:
    """What came of a call."""

    job: Job
    sort: str
    run: int
    analysis: Analysis | None = None
    questions: Questions | None = None
    error_code: str = ""
    model: str = ""
    seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = None

    @property
    def name(self) -> str:
        return f"{self.job.name}/{self.sort}"

    @property
    def score(self) -> float | None:
        if self.analysis is None:
            return None
        mean = mean_score(each["score"] for each in self.analysis.criteria)
        return None if mean is None else float(mean)


def tasks_for(
    jobs: Sequence[Job], *, runs: int, feedback: FeedbackAnalysis, questions: QuestionGeneration
) -> list[Task]:
    """Round by round, and in a round job by job: a limit leaves whole jobs."""
    tasks = []
    for run in range(1, runs + 1):
        for job in jobs:
            sorts = (sort for sort in SORTS if sort != GIBBERISH)
            tasks += [Task(job, s, run, feedback, _about(feedback, job, s)) for s in sorts]
            if run == 1:
                tasks.append(Task(job, QUESTIONS, run, questions, _for_questions(questions, job)))
    return tasks


def _session(job: Job) -> InterviewSession:
    return InterviewSession(
        role=job.role,
        job_description=job.posting,
        resume_text=job.resume,
        resume_entries=as_rows(entries_of(job.resume)),
        seniority=job.seniority,
        language=job.language,
    )


def _about(kind: FeedbackAnalysis, job: Job, sort: str) -> ProviderRequest:
    question = Question(
        session=_session(job), number=1, text=job.question, type=job.type, competency=job.competency
    )
    answer = Answer(question=question, text=job.answer(sort))
    return kind.request(Operation(kind=kind.name), Judged(answer, rubric_for(job.type)))


def _for_questions(kind: QuestionGeneration, job: Job) -> ProviderRequest:
    return kind.request(Operation(kind=kind.name), Subject(_session(job)))


async def ask_all(
    tasks: Iterable[Task],
    *,
    credential: Credential,
    concurrency: int,
    told: Callable[[Trial], None],
) -> list[Trial]:
    """In the order of the tasks; `told` hears of each as it ends."""
    turns = asyncio.Semaphore(concurrency)

    async def one(task: Task) -> Trial:
        async with turns:
            trial = await _trial(task, credential)
        told(trial)
        return trial

    try:
        return list(await asyncio.gather(*map(one, tasks)))
    finally:
        await openai_service.close()


async def _trial(task: Task, credential: Credential) -> Trial:
    started = time.monotonic()
    known: dict[str, Any] = {"job": task.job, "sort": task.sort, "run": task.run}
    try:
        reply = await _reply(task.request, credential)
    except OpenAIServiceError as error:
        return Trial(**known, error_code=error.error_code, seconds=time.monotonic() - started)
    known |= {
        "model": reply.model,
        "seconds": time.monotonic() - started,
        "input_tokens": reply.usage.input_tokens,
        "output_tokens": reply.usage.output_tokens,
        "cost_usd": reply.usage.cost_usd,
    }
    try:
        result = task.kind.parse(reply.content, task.request)
    except ValidationError:
        return Trial(**known, error_code="SCHEMA_MISMATCH")
    except OpenAIServiceError as error:
        return Trial(**known, error_code=error.error_code)
    if isinstance(result, Questions):
        return Trial(**known, questions=result)
    return Trial(**known, analysis=result)


async def _reply(request: ProviderRequest, credential: Credential) -> ProviderReply:
    """With the retry policy of a run; a form that the server refuses is stepped down."""
    started = time.monotonic()

    def seconds_left() -> float:
        return float(settings.OPERATIONS_DEADLINE_SECONDS) - (time.monotonic() - started)

    async def call() -> ProviderReply:
        return await openai_service.ask_stepping_down(
            request,
            credential=credential,
            timeout_seconds=min(float(settings.OPENAI_TIMEOUT_SECONDS), max(0.001, seconds_left())),
        )

    async def before_wait(error: OpenAIServiceError, wait_seconds: float) -> None:
        """There is no ledger to write it into."""

    policy = retry.RetryPolicy(
        max_calls=1 + settings.OPERATIONS_MAX_RETRIES,
        base_seconds=settings.OPERATIONS_BACKOFF_BASE_SECONDS,
        calls_before=0,
        seconds_left=seconds_left,
    )
    return await retry.call_with_retries(call, policy, sleep=asyncio.sleep, before_wait=before_wait)

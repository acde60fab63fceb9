"""The closing summary, from the feedback there is. Numbers are computed here, never by the model.

Feedback that is not there yet, or could not be scored, is a gap that the summary names; nothing is
put in its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from interview_app.blocks import block, fields_block
from interview_app.kinds.content import (
    TEXT,
    Content,
    NonBlank,
    list_schema,
    object_schema,
    tokens_of,
)
from interview_app.kinds.subjects import by_subject
from interview_app.models import Feedback, InterviewSession, SessionSummary
from interview_app.prompts import current_prompt
from interview_app.queries import (
    FEEDBACK_ANALYSIS,
    SESSION_SUMMARY,
    QuestionDetail,
    SessionDetail,
    Standing,
    counted,
    session_details,
    standing_of,
    with_score,
)
from interview_app.simulation.summary import simulated_summary
from operations.kinds import Kind, ProviderReply, ProviderRequest
from operations.models import Operation

PROMPT = current_prompt(SESSION_SUMMARY)
MAX_STRENGTHS = 3
MAX_HABITS = 3


class SummaryContent(Content):
    text: NonBlank
    strengths: Annotated[list[str], Field(max_length=MAX_STRENGTHS)]
    habits: Annotated[list[str], Field(max_length=MAX_HABITS)]
    exercise: str


@dataclass(frozen=True)
class Summary:
    content: SummaryContent
    standing: Standing
    """As it was when the request was built: text and numbers speak of the same feedback."""


class SessionSummaryKind(Kind):
    name = SESSION_SUMMARY
    label = _("Summary")
    at_work = _("Writing your summary")
    failure_lead = _("We could not write your summary")
    saved = _("All your answers are saved")
    stopped = _("The summary was stopped.")
    sends = _("The questions with their scores and the points of the feedback; not your answers")
    waits_for = (FEEDBACK_ANALYSIS,)

    def typical_tokens(self) -> tuple[int, int]:
        return tokens_of(PROMPT.system, summary_schema(), filled_in=900), 300

    def subjects(self, operations: Sequence[Operation]) -> Mapping[str, SessionDetail]:
        sessions = by_subject(InterviewSession.objects.select_related("summary"), operations)
        details = session_details(sessions.values())
        return dict(zip(sessions, details, strict=True))

    def request(self, operation: Operation, subject: SessionDetail) -> ProviderRequest:
        return ProviderRequest(
            kind=self.name,
            messages=(
                {"role": "system", "content": PROMPT.system},
                {"role": "user", "content": user_message(subject.session, subject.questions)},
            ),
            schema=summary_schema(),
            prompt_version=PROMPT.version,
            context={"standing": standing_of(subject.questions)},
        )

    def parse(self, content: object, request: ProviderRequest) -> Summary:
        return Summary(SummaryContent.model_validate(content), request.context["standing"])

    def apply(
        self, operation: Operation, result: Summary, reply: ProviderReply
    ) -> Iterator[SessionSummary]:
        content, standing = result.content, result.standing
        InterviewSession.objects.filter(pk=operation.subject_id).update(finished_at=timezone.now())
        yield SessionSummary(
            session_id=operation.subject_id,
            operation=operation,
            text=content.text,
            overall=standing.overall,
            by_competency=[
                {"competency": competency, "score": _number(score)}
                for competency, score in standing.by_competency
            ],
            strengths=_filled(content.strengths),
            habits=_filled(content.habits),
            exercise=content.exercise.strip(),
            missing=standing.missing,
            simulated=reply.simulated or standing.simulated,
            model=reply.model[:100],
            prompt_version=PROMPT.version,
        )

    def simulate(self, request_body: Mapping[str, Any]) -> object:
        return simulated_summary(request_body)


def user_message(session: InterviewSession, questions: list[QuestionDetail]) -> str:
    settings = fields_block(
        "interview",
        {"language": session.language, "seniority": session.seniority, "role": session.role},
    )
    scored = {each.question.number for each in with_score(questions)}
    lines = (
        json.dumps(_line(each, is_scored=each.question.number in scored), ensure_ascii=False)
        for each in counted(questions)
    )
    return f"{settings}\n{block('feedback', chr(10).join(lines))}"


@cache
def summary_schema() -> dict[str, Any]:
    return object_schema(
        text=TEXT,
        strengths=list_schema(TEXT, at_most=MAX_STRENGTHS),
        habits=list_schema(TEXT, at_most=MAX_HABITS),
        exercise=TEXT,
    )


def _line(detail: QuestionDetail, *, is_scored: bool) -> dict[str, Any]:
    question, feedback = detail.question, detail.feedback
    line: dict[str, Any] = {
        "question": question.number,
        "competency": question.competency,
        "text": question.text,
        "score": _number(detail.score) if is_scored else None,
    }
    return line | (_points(feedback) if feedback is not None and is_scored else {})


def _points(feedback: Feedback) -> dict[str, Any]:
    return {
        "criteria": {each["key"]: each["score"] for each in feedback.criteria},
        "strengths": [each["text"] for each in feedback.strengths],
        "fixes": [
            {"criterion": each["criterion"], "try_this": each["try_this"]}
            for each in feedback.fixes
        ],
    }


def _number(score: Decimal | None) -> float | None:
    return None if score is None else float(score)


def _filled(texts: list[str]) -> list[str]:
    return [text.strip() for text in texts if text.strip()]

"""All questions of a session in one call, from the posting and the résumé."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal

from django.utils.translation import gettext_lazy as _

from interview_app.blocks import block, fields_block
from interview_app.contact import without_contact_data
from interview_app.evidence import normalised
from interview_app.kinds.content import TEXT, Content, NonBlank, list_schema, object_schema
from interview_app.kinds.subjects import by_subject
from interview_app.models import InterviewSession, InterviewType, Question
from interview_app.prompts import load_prompt
from interview_app.queries import QUESTION_GENERATION
from interview_app.simulation.questions import simulated_questions
from operations.errors import InvalidResponseError
from operations.kinds import ProviderReply, ProviderRequest
from operations.models import Operation

PROMPT = load_prompt(QUESTION_GENERATION, 1)
COMPETENCY_MAX_LENGTH = 100


class QuestionContent(Content):
    text: NonBlank
    type: Literal["behavioral", "technical", "situational"]
    competency: NonBlank
    why: str


class QuestionsContent(Content):
    questions: list[QuestionContent]


class QuestionGeneration:
    name = QUESTION_GENERATION
    label = _("Questions")
    failure_lead = _("We could not prepare your questions")
    waits_for: tuple[str, ...] = ()

    def subjects(self, operations: Sequence[Operation]) -> Mapping[str, InterviewSession]:
        return by_subject(InterviewSession.objects.all(), operations)

    def request(self, operation: Operation, subject: InterviewSession) -> ProviderRequest:
        return ProviderRequest(
            kind=self.name,
            messages=(
                {"role": "system", "content": PROMPT.system},
                {"role": "user", "content": user_message(subject)},
            ),
            schema=questions_schema(subject.question_count, subject.interview_type),
            prompt_version=PROMPT.version,
            context={"count": subject.question_count},
        )

    def parse(self, content: object, request: ProviderRequest) -> list[QuestionContent]:
        questions = QuestionsContent.model_validate(content).questions
        if len(questions) != request.context["count"]:
            raise _mismatch(f"{len(questions)} questions, {request.context['count']} asked for")
        if len({normalised(question.text) for question in questions}) != len(questions):
            raise _mismatch("a question is there twice")
        return questions

    def apply(
        self, operation: Operation, result: list[QuestionContent], reply: ProviderReply
    ) -> Iterator[Question]:
        for number, question in enumerate(result, start=1):
            yield Question(
                session_id=operation.subject_id,
                operation=operation,
                number=number,
                text=question.text,
                type=question.type,
                competency=question.competency[:COMPETENCY_MAX_LENGTH],
                why=question.why.strip(),
                simulated=reply.simulated,
                model=reply.model[:100],
                prompt_version=PROMPT.version,
            )

    def simulate(self, request_body: Mapping[str, Any]) -> object:
        return simulated_questions(request_body)


def user_message(session: InterviewSession) -> str:
    settings = fields_block(
        "interview",
        {
            "language": session.language,
            "number of questions": session.question_count,
            "type": session.interview_type,
            "seniority": session.seniority,
            "role": session.role,
        },
    )
    posting = block("job_posting", session.job_description)
    resume = block("resume", without_contact_data(session.resume_text))
    return f"{settings}\n{posting}\n{resume}"


def question_types(interview_type: str) -> list[str]:
    if interview_type != InterviewType.MIXED:
        return [interview_type]
    return [each for each in InterviewType.values if each != InterviewType.MIXED]


@cache
def questions_schema(count: int, interview_type: str) -> dict[str, Any]:
    question = object_schema(
        text=TEXT,
        type={"type": "string", "enum": question_types(interview_type)},
        competency=TEXT,
        why=TEXT,
    )
    return object_schema(questions=list_schema(question, at_least=count, at_most=count))


def _mismatch(detail: str) -> InvalidResponseError:
    return InvalidResponseError("SCHEMA_MISMATCH", http_status=200, detail=detail)

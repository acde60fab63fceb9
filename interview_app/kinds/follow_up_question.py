"""One further question about an answer: a question of the same session, beyond those planned.

It is of the type and the competency of the question that it follows, so that it is judged by the
same rubric and counts for the same competency.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from interview_app.blocks import block, fields_block
from interview_app.evidence import normalised
from interview_app.kinds.content import TEXT, Content, NonBlank, object_schema
from interview_app.kinds.subjects import by_subject
from interview_app.models import Answer, Question
from interview_app.prompts import current_prompt
from interview_app.queries import FOLLOW_UP_QUESTION, NUMBER
from interview_app.question_rules import is_unfit
from interview_app.simulation.follow_up import simulated_follow_up
from operations.errors import InvalidResponseError
from operations.kinds import Kind, ProviderReply, ProviderRequest
from operations.models import Operation

PROMPT = current_prompt(FOLLOW_UP_QUESTION)
SCHEMA = object_schema(text=TEXT, why=TEXT)


class FollowUpContent(Content):
    text: NonBlank
    why: str


@dataclass(frozen=True)
class FollowUp:
    content: FollowUpContent
    question: Question
    """The one whose answer it is about."""


class FollowUpQuestion(Kind):
    name = FOLLOW_UP_QUESTION
    label = _("Follow-up question")
    at_work = _("Thinking of a follow-up question")
    failure_lead = _("We could not ask a follow-up question")
    saved = _("Your answer is saved")
    stopped = _("The follow-up question was stopped.")
    sends = _("Your answer with its question, and the other questions of the practice")

    def subjects(self, operations: Sequence[Operation]) -> Mapping[str, Answer]:
        answers = Answer.objects.select_related("question__session")
        return by_subject(
            answers.prefetch_related("question__session__questions"),
            operations,
        )

    def request(self, operation: Operation, subject: Answer) -> ProviderRequest:
        asked = [each.text for each in subject.question.session.questions.all()]
        return ProviderRequest(
            kind=self.name,
            messages=(
                {"role": "system", "content": PROMPT.system},
                {"role": "user", "content": user_message(subject, asked)},
            ),
            schema=SCHEMA,
            prompt_version=PROMPT.version,
            context={"question": subject.question, "asked": asked},
        )

    def parse(self, content: object, request: ProviderRequest) -> FollowUp:
        reply = FollowUpContent.model_validate(content)
        if normalised(reply.text) in map(normalised, request.context["asked"]):
            raise InvalidResponseError(
                "SCHEMA_MISMATCH", http_status=200, detail="the question was asked before"
            )
        if is_unfit(reply.text):
            raise InvalidResponseError(
                "SCHEMA_MISMATCH", http_status=200, detail="the question may not be asked"
            )
        return FollowUp(reply, request.context["question"])

    def apply(
        self, operation: Operation, result: FollowUp, reply: ProviderReply
    ) -> Iterator[Question]:
        yield Question(
            session_id=result.question.session_id,
            operation=operation,
            follow_up_to_id=operation.subject_id,
            number=operation.parameters[NUMBER],
            text=result.content.text,
            type=result.question.type,
            competency=result.question.competency,
            why=result.content.why.strip(),
            simulated=reply.simulated,
            model=reply.model[:100],
            prompt_version=PROMPT.version,
        )

    def simulate(self, request_body: Mapping[str, Any]) -> object:
        return simulated_follow_up(request_body)


def user_message(answer: Answer, asked: Sequence[str]) -> str:
    question, session = answer.question, answer.question.session
    settings = fields_block(
        "interview",
        {
            "language": session.language,
            "question type": question.type,
            "competency": question.competency,
            "seniority": session.seniority,
            "role": session.role,
        },
    )
    return "\n".join(
        (
            settings,
            block("question", question.text),
            block("candidate_answer", answer.text),
            block("already_asked", "\n".join(asked)),
        )
    )

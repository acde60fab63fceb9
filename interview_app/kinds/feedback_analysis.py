"""The analysis of one answer: a score for each criterion, points with quotes, a rewrite.

The model scores and quotes; code computes the mean, drops what the answer does not hold or what is
broken, keeps the rest, and says so where nothing could be scored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from django.utils.translation import gettext_lazy as _
from pydantic import Field, ValidationError

from interview_app.blocks import block, fields_block
from interview_app.evidence import quotes_truly, verified
from interview_app.facts import without_invented_facts
from interview_app.kinds.content import (
    TEXT,
    TEXT_OR_NULL,
    Content,
    NonBlank,
    list_schema,
    object_schema,
    tokens_of,
)
from interview_app.kinds.subjects import by_subject
from interview_app.models import Answer, Feedback, InterviewType, RubricVersion
from interview_app.own_rubrics import named_by
from interview_app.prompts import Prompt, current_prompt
from interview_app.queries import FEEDBACK_ANALYSIS, RUBRIC
from interview_app.rubric import Criterion, Rubric, mean_score, rubric_for, rubric_in
from interview_app.same_answer import content_hash, content_of
from interview_app.scorability import NOT_SCORABLE
from interview_app.simulation.feedback import simulated_feedback
from operations.errors import InvalidResponseError
from operations.kinds import Kind, ProviderReply, ProviderRequest
from operations.models import Operation

PROMPT = current_prompt(FEEDBACK_ANALYSIS)
MAX_POINTS = 3
REWRITE_MAX_LENGTH = 6_000
"""Characters; the prompt asks for 180 words."""
RESPONSE_TYPES = ("story", "pseudo_story", "example", "opinion", "self_description", "other")
ResponseType = Literal["story", "pseudo_story", "example", "opinion", "self_description", "other"]


class CriterionContent(Content):
    reason: str
    score: Annotated[float, Field(ge=1, le=5)] | None


UNREADABLE = CriterionContent(reason="", score=None)


class Strength(Content):
    text: NonBlank
    quote: NonBlank


class Fix(Content):
    criterion: str
    quote: str | None
    why: NonBlank
    try_this: NonBlank


class FeedbackContent(Content):
    criteria: dict[str, Any]
    response_type: ResponseType
    strengths: list[Any]
    fixes: list[Any]
    rewrite: str | None


@dataclass(frozen=True)
class Subject:
    answer: Answer
    rubric: Rubric


@dataclass(frozen=True)
class Analysis:
    """What is left of a reply once it is held against the answer."""

    criteria: list[dict[str, Any]]
    strengths: list[Strength]
    fixes: list[Fix]
    dropped_quotes: int
    rewrite: str | None
    response_type: str
    rubric_version: str
    content_hash: str = ""


class FeedbackAnalysis(Kind):
    name = FEEDBACK_ANALYSIS
    label = _("Feedback")
    at_work = _("Reading your answer")
    failure_lead = _("We could not analyse your answer")
    saved = _("Your answer is saved")
    stopped = _("The feedback on this answer was stopped.")
    sends = _("One question and your answer to it, with the role and the level")
    steady = True
    """Judged alike whenever it is judged, as far as the server can."""
    prompt: Prompt = PROMPT
    """Another version only where two are compared: `manage.py quality --prompt`."""

    def typical_tokens(self) -> tuple[int, int]:
        rubric = rubric_for(InterviewType.BEHAVIORAL)
        system = system_message(self.prompt, rubric)
        return tokens_of(system, feedback_schema(rubric), filled_in=400), 800

    def subjects(self, operations: Sequence[Operation]) -> Mapping[str, Subject]:
        answers = by_subject(Answer.objects.select_related("question__session"), operations)
        own = named_by(operations)
        return {
            each.subject_id: Subject(answer, _rubric_of(each, answer, own))
            for each in operations
            if (answer := answers.get(each.subject_id))
        }

    def request(self, operation: Operation, subject: Subject) -> ProviderRequest:
        answer, rubric = subject.answer, subject.rubric
        return ProviderRequest(
            kind=self.name,
            messages=(
                {"role": "system", "content": system_message(self.prompt, rubric)},
                {"role": "user", "content": user_message(answer)},
            ),
            schema=feedback_schema(rubric),
            prompt_version=self.prompt.version,
            context={
                "answer": answer.text,
                "question": answer.question.text,
                "rubric": rubric,
                "content": content_of(
                    answer, prompt_version=self.prompt.version, rubric_version=rubric.version
                ),
                "language": answer.question.session.language,
            },
            steady=self.steady,
        )

    def parse(self, content: object, request: ProviderRequest) -> Analysis:
        rubric: Rubric = request.context["rubric"]
        answer: str = request.context["answer"]
        said = (answer, request.context["question"])
        reply = FeedbackContent.model_validate(content)
        points = len(reply.strengths) + len(reply.fixes)
        fixes = [fix for fix in _wellformed(Fix, reply.fixes) if fix.criterion in rubric.keys]
        strengths = verified(_wellformed(Strength, reply.strengths)[:MAX_POINTS], answer)
        strengths = [each for each in strengths if quotes_truly(each.text, *said)]
        fixes = verified([_with_quote_or_none(fix) for fix in fixes[:MAX_POINTS]], answer)
        fixes = [fix for fix in fixes if quotes_truly(fix.why, *said)]
        return Analysis(
            criteria=_criteria(reply.criteria, rubric, said),
            strengths=strengths,
            fixes=fixes,
            dropped_quotes=points - len(strengths) - len(fixes),
            rewrite=_rewrite(reply.rewrite, answer, request.context["language"]),
            response_type=reply.response_type,
            rubric_version=rubric.version,
            content_hash=content_hash(request.context["content"], model=request.model),
        )

    def apply(
        self, operation: Operation, result: Analysis, reply: ProviderReply
    ) -> Iterator[Feedback]:
        score = mean_score(criterion["score"] for criterion in result.criteria)
        yield Feedback(
            answer_id=operation.subject_id,
            operation=operation,
            score=score,
            criteria=result.criteria,
            strengths=[strength.model_dump() for strength in result.strengths],
            fixes=[fix.model_dump() for fix in result.fixes],
            rewrite=result.rewrite,
            response_type=result.response_type,
            not_scored_reason=NOT_SCORABLE if score is None else None,
            dropped_quotes=result.dropped_quotes,
            simulated=reply.simulated,
            model=reply.model[:100],
            prompt_version=self.prompt.version,
            rubric_version=result.rubric_version,
            content_hash=result.content_hash,
        )

    def simulate(self, request_body: Mapping[str, Any]) -> object:
        return simulated_feedback(request_body)


def _rubric_of(operation: Operation, answer: Answer, own: Mapping[str, RubricVersion]) -> Rubric:
    """One that is gone is a fault: another would not be what was asked for."""
    version = operation.parameters.get(RUBRIC)
    if version is None:
        return rubric_for(answer.question.type)
    return rubric_in(answer.question.session.language, own[version])


def user_message(answer: Answer) -> str:
    question = answer.question
    settings = fields_block(
        "interview",
        {
            "language": question.session.language,
            "question type": question.type,
            "competency": question.competency,
            "seniority": question.session.seniority,
            "role": question.session.role,
        },
    )
    return (
        f"{settings}\n{block('question', question.text)}\n{block('candidate_answer', answer.text)}"
    )


@cache
def system_message(prompt: Prompt, rubric: Rubric) -> str:
    lines = (
        f"- {_called(each)}: 1 = {each.low}; 3 = {each.middle}; 5 = {each.high}"
        for each in rubric.criteria
    )
    return prompt.system.replace("{rubric}", "\n".join(lines))


def _called(criterion: Criterion) -> str:
    if not criterion.name:
        return criterion.key
    return f"{criterion.key} ({criterion.name}: {criterion.looks_at})"


@cache
def feedback_schema(rubric: Rubric) -> dict[str, Any]:
    """One required property a criterion: none can be missing, none there twice."""
    criterion = object_schema(
        reason=TEXT, score={"type": ["number", "null"], "minimum": 1, "maximum": 5}
    )
    fix = object_schema(
        criterion={"type": "string", "enum": list(rubric.keys)},
        quote=TEXT_OR_NULL,
        why=TEXT,
        try_this=TEXT,
    )
    return object_schema(
        criteria=object_schema(**dict.fromkeys(rubric.keys, criterion)),
        response_type={"type": "string", "enum": list(RESPONSE_TYPES)},
        strengths=list_schema(object_schema(text=TEXT, quote=TEXT), at_most=MAX_POINTS),
        fixes=list_schema(fix, at_most=MAX_POINTS),
        rewrite=TEXT_OR_NULL,
    )


Point = TypeVar("Point", bound=Content)


def _wellformed(model: type[Point], points: list[Any]) -> list[Point]:
    found = (_valid(model, each) for each in points)
    return [each for each in found if each is not None]


def _valid(model: type[Point], value: object) -> Point | None:
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def _criteria(
    replied: Mapping[str, Any], rubric: Rubric, said: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Every criterion of the rubric; one that is missing or broken has no score and no reason, and
    the others stand. A reason with a false quote is left out. Where none can be used there is no
    feedback."""
    read = [_valid(CriterionContent, replied.get(key)) for key in rubric.keys]
    if not any(read):
        raise InvalidResponseError(
            "SCHEMA_MISMATCH", http_status=200, detail="no criterion can be used"
        )
    both = zip(rubric.criteria, read, strict=True)
    return [_scored(criterion, each or UNREADABLE, said) for criterion, each in both]


def _scored(
    criterion: Criterion, content: CriterionContent, said: tuple[str, ...]
) -> dict[str, Any]:
    score = None if content.score is None else round(content.score, 1)
    reason = content.reason.strip() if quotes_truly(content.reason, *said) else ""
    result = {"key": criterion.key, "score": score, "reason": reason}
    # An operator's own words stay with the result: no page asks for the rubric to show them.
    return result | ({"name": criterion.name} if criterion.name else {})


def _with_quote_or_none(fix: Fix) -> Fix:
    # Some models say "nothing to quote" with an empty string or the word instead of null.
    if fix.quote is not None and fix.quote.strip().lower() in ("", "null", "none", "missing"):
        return fix.model_copy(update={"quote": None})
    return fix


def _rewrite(rewrite: str | None, answer: str, language: str) -> str | None:
    if rewrite is None or not rewrite.strip() or len(rewrite) > REWRITE_MAX_LENGTH:
        return None
    return without_invented_facts(rewrite.strip(), answer, language=language)

"""All questions of a session in one call, from the posting and the résumé; later those that were
missing. A question that is empty, there twice, of another shape, unlawful, over-long, two in one or
known from the person's earlier practices for this role is dropped and counted, and the others are
kept: only a reply without any usable question is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from django.db.models import F
from django.utils.translation import gettext_lazy as _
from pydantic import ValidationError

from interview_app.asked_earlier import questions_asked_earlier
from interview_app.blocks import block, fields_block
from interview_app.contact import without_contact_data
from interview_app.evidence import quotes_truly
from interview_app.kinds.content import (
    TEXT,
    Content,
    NonBlank,
    list_schema,
    object_schema,
    tokens_of,
)
from interview_app.kinds.subjects import by_subject
from interview_app.models import InterviewSession, InterviewType, Question
from interview_app.outline.entry import recent_first
from interview_app.posting import posting_text
from interview_app.prompts import Prompt, current_prompt
from interview_app.queries import MISSING, QUESTION_GENERATION
from interview_app.question_rules import fault_of, is_repeated, is_unfit, telling_words
from interview_app.simulation.questions import simulated_questions
from operations.errors import InvalidResponseError
from operations.kinds import Kind, ProviderReply, ProviderRequest
from operations.models import Operation

PROMPT = current_prompt(QUESTION_GENERATION)
COMPETENCY_MAX_LENGTH = 100
WHAT = ("title", "employer")


class QuestionContent(Content):
    text: NonBlank
    type: Literal["behavioral", "technical", "situational"]
    competency: NonBlank
    why: str


@dataclass(frozen=True)
class Subject:
    """A session, and what its owner was asked in others for the same role, the newest first."""

    session: InterviewSession
    asked_earlier: Sequence[str] = ()


class QuestionsContent(Content):
    questions: list[Any]


@dataclass(frozen=True)
class Questions:
    """What is left of a reply, and where its first one stands in the session."""

    questions: list[QuestionContent]
    first_number: int
    dropped: int


class QuestionGeneration(Kind):
    name = QUESTION_GENERATION
    label = _("Questions")
    at_work = _("Preparing your questions")
    failure_lead = _("We could not prepare your questions")
    saved = _("The posting and your résumé are saved")
    stopped = _("The preparation of your questions was stopped.")
    sends = _(
        "The role, the level, the job posting and your résumé, without its phone numbers and e-mail"
        " addresses; and the questions of your earlier practices for this role"
    )
    prompt: Prompt = PROMPT
    """Another version only where two are compared: `manage.py quality --prompt`."""

    def typical_tokens(self) -> tuple[int, int]:
        schema = questions_schema(5, InterviewType.MIXED)
        return tokens_of(self.prompt.system, schema, filled_in=1_800), 600

    def subjects(self, operations: Sequence[Operation]) -> Mapping[str, Subject]:
        sessions = InterviewSession.objects.all()
        if any(MISSING in each.parameters for each in operations):
            sessions = sessions.prefetch_related("questions")
        found = by_subject(sessions, operations)
        earlier = questions_asked_earlier(found.values())
        return {key: Subject(each, earlier[each.pk]) for key, each in found.items()}

    def request(self, operation: Operation, subject: Subject) -> ProviderRequest:
        session = subject.session
        asked = _asked(session) if MISSING in operation.parameters else []
        count = session.question_count - len(asked)
        return ProviderRequest(
            kind=self.name,
            messages=(
                {"role": "system", "content": self.prompt.system},
                {"role": "user", "content": user_message(session, asked, subject.asked_earlier)},
            ),
            schema=questions_schema(count, session.interview_type),
            prompt_version=self.prompt.version,
            context={
                "count": count,
                "asked": asked,
                "asked_earlier": subject.asked_earlier,
                "sources": (session.job_description, session.resume_text),
            },
        )

    def parse(self, content: object, request: ProviderRequest) -> Questions:
        asked: list[str] = request.context["asked"]
        replied = QuestionsContent.model_validate(content).questions
        usable = _usable(replied, asked)
        # Better one that the person knows than none at all.
        kept = _new(usable, request.context["asked_earlier"]) or usable
        if not kept:
            raise _mismatch(f"none of {len(replied)} questions can be used")
        sources = request.context["sources"]
        kept = [_with_true_source(each, sources) for each in kept[: request.context["count"]]]
        return Questions(kept, len(asked) + 1, len(replied) - len(kept))

    def apply(
        self, operation: Operation, result: Questions, reply: ProviderReply
    ) -> Iterator[Question]:
        if result.dropped:
            InterviewSession.objects.filter(pk=operation.subject_id).update(
                dropped_questions=F("dropped_questions") + result.dropped
            )
        for number, question in enumerate(result.questions, start=result.first_number):
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
                prompt_version=self.prompt.version,
            )

    def simulate(self, request_body: Mapping[str, Any]) -> object:
        return simulated_questions(request_body)


def _asked(session: InterviewSession) -> list[str]:
    """The planned ones: a follow-up takes the place of none of them."""
    questions = session.questions.all()
    return [question.text for question in questions if question.follow_up_to_id is None]


def _usable(replied: list[Any], asked: Sequence[str]) -> list[QuestionContent]:
    """The well-formed and lawful ones that this session does not have yet: first those that are
    short and ask for one thing."""
    usable: list[QuestionContent] = []
    clumsy: list[QuestionContent] = []
    seen = [telling_words(text) for text in asked]
    for each in replied:
        try:
            question = QuestionContent.model_validate(each)
        except ValidationError:
            continue
        words = telling_words(question.text)
        if not is_unfit(question.text) and not is_repeated(words, seen):
            seen.append(words)
            (clumsy if fault_of(question.text) else usable).append(question)
    return usable + clumsy


def _new(questions: list[QuestionContent], asked_earlier: Sequence[str]) -> list[QuestionContent]:
    known = [telling_words(text) for text in asked_earlier]
    return [each for each in questions if not is_repeated(telling_words(each.text), known)]


def _with_true_source(question: QuestionContent, sources: Sequence[str]) -> QuestionContent:
    """Why it is asked, where the words that this quotes stand in the posting or the résumé."""
    is_true = quotes_truly(question.why, *sources)
    return question if is_true else question.model_copy(update={"why": ""})


def user_message(
    session: InterviewSession, asked: Sequence[str] = (), asked_earlier: Sequence[str] = ()
) -> str:
    settings = fields_block(
        "interview",
        {
            "language": session.language,
            "number of questions": session.question_count - len(asked),
            "type": session.interview_type,
            "seniority": session.seniority,
            "role": session.role,
        },
    )
    posting = block("job_posting", posting_text(session.job_description))
    resume = block("resume", without_contact_data(session.resume_text))
    return "\n".join(
        (settings, posting, resume, *_entries_block(session), *_known(asked, asked_earlier))
    )


def _known(asked: Sequence[str], asked_earlier: Sequence[str]) -> Iterator[str]:
    """The questions that the person knows already: more data, nothing to obey."""
    if asked:
        yield f"Not again: {block('already_asked', chr(10).join(asked))}"
    if asked_earlier:
        yield f"Nothing like these: {block('asked_earlier', chr(10).join(asked_earlier))}"


def _entries_block(session: InterviewSession) -> Iterator[str]:
    """What the résumé holds, in each section the newest first; nothing where nothing was found."""
    rows = recent_first(session.resume_entries)
    lines = (" | ".join(row[name] or "-" for name in ("section", "dates", *WHAT)) for row in rows)
    if text := without_contact_data("\n".join(lines)):
        yield block("resume_entries", text)


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

"""Rows of the interview, one factory a model. A factory never calls a service."""

from __future__ import annotations

import uuid
from decimal import Decimal

import factory
from django.utils import timezone

from interview_app.models import (
    Answer,
    Draft,
    Feedback,
    InterviewSession,
    JobPosting,
    Question,
    Resume,
    RubricVersion,
    SessionSummary,
    Story,
)
from interview_app.tests.samples import BILLING_POSTING, MARA_RESUME, STRONG_ANSWER
from operations.tests.factories import UserFactory


class JobPostingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = JobPosting

    owner = factory.SubFactory(UserFactory)
    title = "Senior Backend Engineer"
    company = "Harbour Freight Exchange"
    description = BILLING_POSTING
    experience_level = "senior"


class ResumeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Resume

    owner = factory.SubFactory(UserFactory)
    text = MARA_RESUME
    source = "text"


class StoryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Story

    owner = factory.SubFactory(UserFactory)
    title = factory.Sequence(lambda number: f"The night of the double charges {number}")
    question = "Which of our prices would you change first?"
    text = STRONG_ANSWER
    competency = "Ownership"


class InterviewSessionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = InterviewSession
        skip_postgeneration_save = True

    owner = factory.SubFactory(UserFactory)
    role = "Senior Backend Engineer"
    job_description = BILLING_POSTING
    resume_text = MARA_RESUME

    class Params:
        german = factory.Trait(language="de")
        finishing = factory.Trait(finish_requested_at=factory.LazyFunction(timezone.now))
        finished = factory.Trait(
            finish_requested_at=factory.LazyFunction(timezone.now),
            finished_at=factory.LazyFunction(timezone.now),
        )


class QuestionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Question

    session = factory.SubFactory(InterviewSessionFactory)
    number = factory.LazyAttribute(lambda row: row.session.questions.count() + 1)
    text = factory.LazyAttribute(
        lambda row: f"The posting names idempotency. When did you need it, and why ({row.number})?"
    )
    type = "behavioral"
    competency = factory.LazyAttribute(lambda row: f"Competency {row.number}")
    why = "From the posting: “idempotency”."

    class Params:
        technical = factory.Trait(type="technical")


class DraftFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Draft

    question = factory.SubFactory(QuestionFactory)
    text = "I began with"


class AnswerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Answer

    question = factory.SubFactory(QuestionFactory)
    number = factory.LazyAttribute(lambda row: row.question.answers.count() + 1)
    text = STRONG_ANSWER

    class Params:
        keyed = factory.Trait(form_key=factory.LazyFunction(uuid.uuid4))


class FeedbackFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Feedback

    answer = factory.SubFactory(AnswerFactory)
    score = Decimal("3.5")
    criteria = factory.LazyFunction(
        lambda: [
            {"key": "action", "score": 4.0, "reason": "Own steps."},
            {"key": "result", "score": 3.0, "reason": "Not measured."},
        ]
    )
    strengths = factory.LazyFunction(
        lambda: [{"text": "You say what you did.", "quote": "I added idempotency keys"}]
    )
    fixes = factory.LazyFunction(
        lambda: [
            {"criterion": "result", "quote": None, "why": "No number.", "try_this": "Add one."}
        ]
    )
    rewrite = None
    response_type = "story"
    model = "gpt-test"
    prompt_version = "feedback_analysis/1"
    rubric_version = "behavioural-1"

    class Params:
        not_scored = factory.Trait(score=None, criteria=[], not_scored_reason="too_short")
        made_by_simulation = factory.Trait(simulated=True)


class SessionSummaryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SessionSummary

    session = factory.SubFactory(InterviewSessionFactory, finished=True)
    text = "Your answers show what you did yourself."
    overall = Decimal("3.5")
    prompt_version = "session_summary/1"


def own_criteria(*keys: str, languages: tuple[str, ...] = ("en", "de")) -> list[dict[str, object]]:
    """Of an operator's rubric; each text names its key, its part and its language."""
    parts = ("name", "looks_at", "low", "middle", "high")
    return [
        {
            "key": key,
            "texts": {
                language: {part: f"{key.capitalize()}, {part} ({language})" for part in parts}
                for language in languages
            },
        }
        for key in keys
    ]


class RubricVersionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RubricVersion

    slug = "billing"
    number = factory.Sequence(lambda number: number + 1)
    question_type = "technical"
    criteria = factory.LazyFunction(lambda: own_criteria("safety", "cost", "handover"))

    class Params:
        used = factory.Trait(first_used_at=factory.LazyFunction(timezone.now))
        now_in_use = factory.Trait(in_use=True, first_used_at=factory.LazyFunction(timezone.now))

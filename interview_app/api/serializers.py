"""The shapes of sessions and their parts, and what may be sent."""

from __future__ import annotations

import functools
from typing import Any

from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from interview_app.api.stored import (
    CriteriaField,
    FixesField,
    NumbersField,
    ScoresField,
    StrengthsField,
    WordsField,
)
from interview_app.models import (
    ANSWER_MAX_LENGTH,
    MAX_QUESTIONS,
    POSTING_MAX_LENGTH,
    RESUME_MAX_LENGTH,
    ROLE_MAX_LENGTH,
    Answer,
    Draft,
    Feedback,
    InterviewType,
    JobPosting,
    Language,
    Mode,
    Resume,
    SecondOpinion,
    Seniority,
    SessionSummary,
)
from interview_app.outline.entry import FIELD_MAX_LENGTH, SECTIONS
from interview_app.progress import Point
from interview_app.queries import AnswerDetail, QuestionDetail, SessionDetail
from interview_app.resume_texts import WARNINGS
from operations.api.serializers import (
    NumberField,
    OperationSerializer,
    UsageSerializer,
    UtcField,
)
from operations.estimates import Estimate

HELD_BACK_TOO = "held_back_too"
"""In a serializer's context: with the feedback that an interview like the real thing holds back."""
TECH_STACK_MAX_ITEMS = 50
TECH_MAX_LENGTH = 100


class NoSurrogates(ProhibitSurrogateCharactersValidator):
    """The same by the encoder: the framework's own looks at each character in Python."""

    def __call__(self, value: str) -> None:
        try:
            value.encode()
        except UnicodeEncodeError:
            super().__call__(value)


class TextField(serializers.CharField):
    """What a person wrote, kept word for word. NUL and lone surrogates are refused."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)
        self.validators = [
            NoSurrogates() if isinstance(each, ProhibitSurrogateCharactersValidator) else each
            for each in self.validators
        ]


class BoundedListField(serializers.ListField):
    """Refuses too many entries before any of them is looked at: each would get a sentence."""

    def __init__(self, *, max_length: int, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)
        self.most = max_length

    def run_child_validation(self, data: Any) -> list[Any]:
        if len(data) > self.most:
            self.fail("max_length", max_length=self.most)
        entries: list[Any] = super().run_child_validation(data)
        return entries


class SessionInput(serializers.Serializer[Any]):
    """What is left out is copied from the posting or has the verb's default."""

    role = serializers.CharField(max_length=ROLE_MAX_LENGTH, required=False)
    job_description = TextField(max_length=POSTING_MAX_LENGTH, required=False, allow_blank=True)
    job_posting = serializers.PrimaryKeyRelatedField[JobPosting](
        queryset=JobPosting.objects.none(), required=False, allow_null=True
    )
    seniority = serializers.ChoiceField(choices=Seniority.choices, required=False)
    question_count = serializers.IntegerField(min_value=1, max_value=MAX_QUESTIONS, required=False)
    interview_type = serializers.ChoiceField(choices=InterviewType.choices, required=False)
    mode = serializers.ChoiceField(choices=Mode.choices, required=False)
    language = serializers.ChoiceField(choices=Language.choices, required=False)
    resume_text = TextField(
        max_length=RESUME_MAX_LENGTH, required=False, allow_blank=True, allow_null=True
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        # Somebody else's posting does not exist.
        own = JobPosting.objects.filter(owner_id=self.context["request"].user.pk)
        fields["job_posting"].queryset = own  # type: ignore[attr-defined]
        return fields


class AnswerInput(serializers.Serializer[Any]):
    text = TextField(max_length=ANSWER_MAX_LENGTH)
    insist = serializers.BooleanField(default=False)


class DraftInput(serializers.Serializer[Any]):
    text = TextField(max_length=ANSWER_MAX_LENGTH, allow_blank=True)


class ResumeInput(serializers.Serializer[Any]):
    text = TextField(max_length=RESUME_MAX_LENGTH)


class ResumeEntrySerializer(serializers.Serializer[Any]):
    section = serializers.ChoiceField(choices=SECTIONS)
    title = TextField(max_length=FIELD_MAX_LENGTH, allow_blank=True, default="")
    employer = TextField(max_length=FIELD_MAX_LENGTH, allow_blank=True, default="")
    dates = TextField(max_length=FIELD_MAX_LENGTH, allow_blank=True, default="")


class ResumeEntriesInput(serializers.Serializer[Any]):
    entries = ResumeEntrySerializer(many=True)


class ResumeFileInput(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True)


class ResumeSerializer(serializers.ModelSerializer[Resume]):
    updated_at = UtcField()
    warnings = serializers.SerializerMethodField()
    entries = ResumeEntrySerializer(many=True)

    class Meta:
        model = Resume
        fields = ("text", "source", "warnings", "entries", "updated_at")

    def get_warnings(self, resume: Resume) -> list[dict[str, str]]:
        return [{"code": code, "detail": str(WARNINGS[code])} for code in resume.warnings]


class JobPostingSerializer(serializers.ModelSerializer[JobPosting]):
    description = TextField(max_length=POSTING_MAX_LENGTH)
    tech_stack = BoundedListField(
        child=serializers.CharField(max_length=TECH_MAX_LENGTH),
        max_length=TECH_STACK_MAX_ITEMS,
        required=False,
    )
    created_at = UtcField(read_only=True)
    updated_at = UtcField(read_only=True)

    class Meta:
        model = JobPosting
        fields = (
            "id",
            "title",
            "company",
            "description",
            "experience_level",
            "tech_stack",
            "language",
            "created_at",
            "updated_at",
        )


class AnswerSerializer(serializers.ModelSerializer[Answer]):
    created_at = UtcField()

    class Meta:
        model = Answer
        fields = ("id", "number", "text", "word_count", "created_at")


class DraftSerializer(serializers.ModelSerializer[Draft]):
    saved_at = UtcField()

    class Meta:
        model = Draft
        fields = ("text", "saved_at")


class FeedbackSerializer(serializers.ModelSerializer[Feedback]):
    answer = serializers.UUIDField(source="answer_id")
    score = NumberField(allow_null=True)
    criteria = CriteriaField()
    strengths = StrengthsField()
    fixes = FixesField()
    created_at = UtcField()

    class Meta:
        model = Feedback
        fields = (
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
        )


class SecondOpinionSerializer(serializers.ModelSerializer[SecondOpinion]):
    score = NumberField(allow_null=True)
    criteria = CriteriaField()
    created_at = UtcField()

    class Meta:
        model = SecondOpinion
        fields = (
            "score",
            "criteria",
            "simulated",
            "model",
            "prompt_version",
            "rubric_version",
            "created_at",
        )


class SummarySerializer(serializers.ModelSerializer[SessionSummary]):
    overall = NumberField(allow_null=True)
    by_competency = ScoresField()
    strengths = WordsField()
    habits = WordsField()
    missing = NumbersField()
    created_at = UtcField()

    class Meta:
        model = SessionSummary
        fields = (
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
        )


class QuestionSerializer(serializers.Serializer[QuestionDetail]):
    id = serializers.UUIDField(source="question.pk")
    number = serializers.IntegerField(source="question.number")
    text = serializers.CharField(source="question.text")
    type = serializers.CharField(source="question.type")
    competency = serializers.CharField(source="question.competency")
    why = serializers.CharField(source="question.why")
    follow_up_to = serializers.UUIDField(source="question.follow_up_to_id", allow_null=True)
    answer = AnswerSerializer(allow_null=True)
    answers = serializers.SerializerMethodField()
    draft = DraftSerializer(allow_null=True)
    feedback = serializers.SerializerMethodField()
    second_opinion = serializers.SerializerMethodField()
    operation = OperationSerializer(allow_null=True)

    @extend_schema_field(AnswerSerializer(many=True))
    def get_answers(self, question: QuestionDetail) -> list[dict[str, Any]]:
        return [self._answer(each) for each in question.answers]

    @extend_schema_field(FeedbackSerializer(allow_null=True))
    def get_feedback(self, question: QuestionDetail) -> dict[str, Any] | None:
        """Null also while the pages hold it back, except in what a person takes along of all."""
        shown = question.feedback if self._is_shown(question) else None
        return self._feedback.to_representation(shown) if shown else None

    @extend_schema_field(SecondOpinionSerializer(allow_null=True))
    def get_second_opinion(self, question: QuestionDetail) -> dict[str, Any] | None:
        """Likewise."""
        shown = question.second_opinion if self._is_shown(question) else None
        return self._second_opinion.to_representation(shown) if shown else None

    def _is_shown(self, question: QuestionDetail) -> bool:
        return bool(question.question.session.shows_feedback or self.context.get(HELD_BACK_TOO))

    def _answer(self, detail: AnswerDetail) -> dict[str, Any]:
        return self._each_answer.to_representation(detail.answer)

    # Made once for all questions of a list: making one takes as long as writing three rows.
    _feedback = cached_property(lambda self: FeedbackSerializer())
    _second_opinion = cached_property(lambda self: SecondOpinionSerializer())
    _each_answer = cached_property(lambda self: AnswerSerializer())


class PointSerializer(serializers.Serializer[Point]):
    session = serializers.UUIDField()
    at = UtcField()
    score = NumberField()
    simulated = serializers.BooleanField()


class CompetencySerializer(serializers.Serializer[Any]):
    competency = serializers.CharField()
    points = PointSerializer(many=True)


class ProgressSerializer(serializers.Serializer[Any]):
    competencies = CompetencySerializer(many=True)


class EstimateSerializer(UsageSerializer):
    """Of the questions, one answer to each and the summary."""

    calls = serializers.IntegerField()
    measured = serializers.BooleanField(
        help_text="By this installation's own calls; else by the sizes of the prompts."
    )
    simulated = serializers.BooleanField()


class SessionSerializer(serializers.Serializer[Any]):
    """Of a `SessionDetail`, or with `many` of a list of them."""

    id = serializers.UUIDField(source="session.pk")
    status = serializers.CharField()
    role = serializers.CharField(source="session.role")
    job_posting = serializers.UUIDField(source="session.job_posting_id", allow_null=True)
    seniority = serializers.CharField(source="session.seniority")
    question_count = serializers.IntegerField(source="session.question_count")
    interview_type = serializers.CharField(source="session.interview_type")
    mode = serializers.CharField(source="session.mode")
    language = serializers.CharField(source="session.language")
    attempt_number = serializers.IntegerField(source="session.attempt_number")
    questions = QuestionSerializer(many=True)
    operations = OperationSerializer(many=True)
    summary = SummarySerializer(allow_null=True)
    simulated = serializers.BooleanField()
    usage = UsageSerializer(help_text="Of all its calls; the cost is null where one is unknown.")
    created_at = UtcField(source="session.created_at")
    finished_at = UtcField(source="session.finished_at", allow_null=True)


# Made once, for all threads, which only read them: making one takes longer than writing a session.
_session = functools.cache(SessionSerializer)
_estimate = functools.cache(EstimateSerializer)


def session_data(detail: SessionDetail) -> dict[str, Any]:
    """As `SessionSerializer` writes it."""
    return _session().to_representation(detail)


def estimate_data(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else _estimate().to_representation(estimate)

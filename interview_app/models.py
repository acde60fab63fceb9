"""What the candidate owns: postings, résumé, stories, sessions, questions, answers, feedback,
summaries; what they chose for the pages, and what they see of their API tokens. And the rubrics
that an operator made.

Personal texts live only here. Each result row points to the Operation that made it (one result per
operation); the operation never points back.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from interview_app.rubric_rules import SLUG_MAX_LENGTH, check_criteria, check_slug

ROLE_MAX_LENGTH = 200
POSTING_MAX_LENGTH = 60_000
RESUME_MAX_LENGTH = 60_000
ANSWER_MAX_LENGTH = 20_000
TOKEN_NAME_MAX_LENGTH = 100
QUESTION_MAX_LENGTH = 1_000
"""Of one's own; those that an AI writes are as long as its replies let them be."""
COMPETENCY_MAX_LENGTH = 100
MAX_QUESTIONS = 10
MAX_ANSWERS = 20
"""To one question."""
MAX_FOLLOW_UPS = 10
"""In one session."""
MAX_STORIES = 200
"""Of one person."""

CRITERIA_HELP = "[{key, score | null, reason, name of an operator's own criterion}]"


class Seniority(models.TextChoices):
    INTERN = "intern"
    JUNIOR = "junior"
    MID = "mid"
    SENIOR = "senior"
    LEAD = "lead"


class InterviewType(models.TextChoices):
    BEHAVIORAL = "behavioral"
    TECHNICAL = "technical"
    SITUATIONAL = "situational"
    MIXED = "mixed"


class Mode(models.TextChoices):
    PRACTICE = "practice"
    REAL = "real"


class Language(models.TextChoices):
    ENGLISH = "en", "English"
    GERMAN = "de", "Deutsch"


class JobPosting(models.Model):
    """A posting a person keeps; a session copies its text and is not changed by later edits."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="job_postings"
    )
    title = models.CharField(max_length=ROLE_MAX_LENGTH)
    company = models.CharField(max_length=ROLE_MAX_LENGTH, blank=True)
    description = models.TextField(max_length=POSTING_MAX_LENGTH)
    experience_level = models.CharField(max_length=10, choices=Seniority.choices, blank=True)
    tech_stack = models.JSONField(default=list, blank=True)
    language = models.CharField(max_length=2, choices=Language.choices, default=Language.ENGLISH)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [models.Index(fields=("owner", "-created_at", "-id"), name="posting_owner")]

    def __str__(self) -> str:
        return f"job posting {self.pk}"  # never a typed word: the admin logs and lists it


class Resume(models.Model):
    """The résumé a person keeps: text only, whatever file it came from."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="resume"
    )
    text = models.TextField(max_length=RESUME_MAX_LENGTH)
    source = models.CharField(max_length=10, help_text="text, or the kind of file.")
    warnings = models.JSONField(
        default=list, blank=True, help_text="Codes of what was seen when the file was read."
    )
    entries = models.JSONField(
        default=list, blank=True, help_text="Found in the text or corrected: `outline.entry`."
    )
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"résumé of {self.owner_id}"


class Story(models.Model):
    """What a person keeps for every practice: a question of their own, an answer, or both."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="stories"
    )
    title = models.CharField(max_length=ROLE_MAX_LENGTH)
    question = models.TextField(max_length=QUESTION_MAX_LENGTH, blank=True)
    text = models.TextField(max_length=ANSWER_MAX_LENGTH, blank=True)
    competency = models.CharField(max_length=COMPETENCY_MAX_LENGTH, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-updated_at", "-id")
        verbose_name_plural = "stories"
        constraints = [
            models.CheckConstraint(
                name="story_holds_something", condition=~Q(question="", text="")
            ),
        ]
        indexes = [models.Index(fields=("owner", "-updated_at", "-id"), name="story_owner")]

    def __str__(self) -> str:
        return f"story {self.pk}"  # never a typed word


class Preferences(models.Model):
    """What a person has chosen for the pages, in whichever browser they read them."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="preferences",
    )
    language = models.CharField(
        max_length=2, choices=Language.choices, blank=True, help_text="Empty: as the browser says."
    )

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"preferences of {self.person_id}"


class InterviewSession(models.Model):
    """One practice interview. Its status is derived from its rows by `queries.session_status`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="interview_sessions"
    )
    job_posting = models.ForeignKey(
        JobPosting, null=True, blank=True, on_delete=models.SET_NULL, related_name="sessions"
    )
    role = models.CharField(max_length=ROLE_MAX_LENGTH)
    job_description = models.TextField(max_length=POSTING_MAX_LENGTH, blank=True)
    resume_text = models.TextField(
        max_length=RESUME_MAX_LENGTH, blank=True, help_text="Snapshot at creation."
    )
    resume_entries = models.JSONField(
        default=list, blank=True, help_text="Likewise: the résumé's entries."
    )
    seniority = models.CharField(max_length=10, choices=Seniority.choices, default=Seniority.MID)
    question_count = models.PositiveSmallIntegerField(default=5)
    interview_type = models.CharField(
        max_length=12, choices=InterviewType.choices, default=InterviewType.MIXED
    )
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.PRACTICE)
    language = models.CharField(max_length=2, choices=Language.choices, default=Language.ENGLISH)
    attempt_number = models.PositiveSmallIntegerField(default=1)
    retake_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retakes"
    )
    form_key = models.UUIDField(
        null=True, blank=True, help_text="Key in the start form: a double click finds this session."
    )
    dropped_questions = models.PositiveSmallIntegerField(
        default=0, help_text="Empty, doubled or malformed ones that a reply held; never shown."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finish_requested_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.CheckConstraint(
                name="session_question_count", condition=Q(question_count__range=(1, MAX_QUESTIONS))
            ),
            models.CheckConstraint(name="session_has_role", condition=~Q(role="")),
            models.UniqueConstraint(name="session_form_key_once", fields=("owner", "form_key")),
        ]
        indexes = [models.Index(fields=("owner", "-created_at", "-id"), name="session_owner")]

    def __str__(self) -> str:
        return f"session {self.pk}"

    @property
    def shows_feedback(self) -> bool:
        """Like the real thing: no feedback before the end."""
        return self.mode == Mode.PRACTICE or self.finish_requested_at is not None


class Question(models.Model):
    """One question of a session: one of those planned, or a follow-up to an answer."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(
        InterviewSession, on_delete=models.CASCADE, related_name="questions"
    )
    operation = models.ForeignKey(
        "operations.Operation",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The question_generation or follow_up_question that wrote it.",
    )
    follow_up_to = models.OneToOneField(
        "Answer",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="follow_up",
        help_text="The answer that it asks more about; null: one of the planned questions.",
    )
    number = models.PositiveSmallIntegerField(
        help_text="Planned ones have 1 to question_count, follow-ups what comes after."
    )
    text = models.TextField()
    type = models.CharField(max_length=12, choices=InterviewType.choices)
    competency = models.CharField(max_length=COMPETENCY_MAX_LENGTH)
    why = models.TextField(blank=True, help_text="What in the posting or résumé it comes from.")
    simulated = models.BooleanField(default=False)
    model = models.CharField(max_length=100, blank=True)
    prompt_version = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("session", "number")
        constraints = [
            models.UniqueConstraint(name="question_number_once", fields=("session", "number"))
        ]

    def __str__(self) -> str:
        return f"question {self.number}"


class QuestionTimer(models.Model):
    """The time for one question of an interview like the real thing, from when it was opened. It
    only counts: nothing ends with it."""

    question = models.OneToOneField(Question, on_delete=models.CASCADE, related_name="timer")
    spent_seconds = models.PositiveIntegerField(
        default=0, help_text="Without what has run since `running_since`."
    )
    running_since = models.DateTimeField(null=True, blank=True, help_text="Null: it stands still.")

    def __str__(self) -> str:
        return f"timer of {self.question_id}"


class Draft(models.Model):
    """What is typed and not yet sent, kept so that a closed tab loses nothing."""

    question = models.OneToOneField(Question, on_delete=models.CASCADE, related_name="draft")
    text = models.TextField(max_length=ANSWER_MAX_LENGTH, blank=True)
    form_key = models.UUIDField(
        null=True, blank=True, help_text="Key of the form that it was typed into: which tab."
    )
    saved_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"draft of {self.question_id}"


class Answer(models.Model):
    """What the candidate said to a question; a further answer gets the next number."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="answers")
    number = models.PositiveSmallIntegerField(default=1)
    text = models.TextField(max_length=ANSWER_MAX_LENGTH)
    form_key = models.UUIDField(
        null=True, blank=True, help_text="Key in the answer form: a double click finds this answer."
    )
    spoken_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="How long it was dictated, as the browser says."
    )
    spoken_words = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many of its words came by dictation."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("question", "number")
        constraints = [
            models.UniqueConstraint(name="answer_number_once", fields=("question", "number")),
            models.UniqueConstraint(name="answer_form_key_once", fields=("question", "form_key")),
        ]

    def __str__(self) -> str:
        return f"answer {self.number} to {self.question_id}"

    @property
    def word_count(self) -> int:
        return len(self.text.split())


class Feedback(models.Model):
    """The analysis of one answer. Scores are 1.0–5.0; null means that none could be given."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    answer = models.OneToOneField(Answer, on_delete=models.CASCADE, related_name="feedback")
    operation = models.OneToOneField(
        "operations.Operation", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    score = models.DecimalField(max_digits=2, decimal_places=1, null=True, blank=True)
    criteria = models.JSONField(default=list, help_text=CRITERIA_HELP)
    strengths = models.JSONField(default=list, help_text="[{text, quote}]")
    fixes = models.JSONField(default=list, help_text="[{criterion, quote | null, why, try_this}]")
    rewrite = models.TextField(null=True, blank=True)  # noqa: DJ001  (null: none was made)
    response_type = models.CharField(max_length=20, blank=True)
    not_scored_reason = models.CharField(max_length=20, null=True, blank=True)  # noqa: DJ001
    dropped_quotes = models.PositiveSmallIntegerField(
        default=0, help_text="Points dropped because their quote is not in the answer."
    )
    simulated = models.BooleanField(default=False)
    model = models.CharField(max_length=100, blank=True)
    prompt_version = models.CharField(max_length=40, blank=True)
    rubric_version = models.CharField(max_length=40, blank=True)
    content_hash = models.CharField(
        max_length=64, blank=True, help_text="Of what was judged and by what: `same_answer`."
    )
    reused = models.BooleanField(
        default=False, help_text="A copy: the same was judged before, of the same person."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "feedback"
        indexes = [
            models.Index(
                fields=("content_hash",),
                name="feedback_content",
                condition=~Q(content_hash=""),
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="feedback_score_range",
                condition=Q(score__isnull=True) | Q(score__range=(1, 5)),
            ),
            models.CheckConstraint(
                name="feedback_scored_or_says_why",
                condition=Q(score__isnull=False) | Q(not_scored_reason__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"feedback on {self.answer_id}"


class SecondOpinion(models.Model):
    """The same answer judged once more, so that its person sees how far two judgements differ."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    answer = models.OneToOneField(Answer, on_delete=models.CASCADE, related_name="second_opinion")
    operation = models.OneToOneField(
        "operations.Operation", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    score = models.DecimalField(max_digits=2, decimal_places=1, null=True, blank=True)
    criteria = models.JSONField(default=list, help_text=CRITERIA_HELP)
    simulated = models.BooleanField(default=False)
    model = models.CharField(max_length=100, blank=True)
    prompt_version = models.CharField(max_length=40, blank=True)
    rubric_version = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="second_opinion_score_range",
                condition=Q(score__isnull=True) | Q(score__range=(1, 5)),
            )
        ]

    def __str__(self) -> str:
        return f"second opinion on {self.answer_id}"


class SessionSummary(models.Model):
    """The closing text of a session; it names the questions without a score that counts."""

    session = models.OneToOneField(
        InterviewSession, on_delete=models.CASCADE, related_name="summary"
    )
    operation = models.OneToOneField(
        "operations.Operation", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    text = models.TextField()
    overall = models.DecimalField(max_digits=2, decimal_places=1, null=True, blank=True)
    by_competency = models.JSONField(default=list, help_text="[{competency, score | null}]")
    strengths = models.JSONField(default=list)
    habits = models.JSONField(default=list)
    exercise = models.TextField(blank=True)
    missing = models.JSONField(default=list, help_text="Numbers of questions without feedback.")
    simulated = models.BooleanField(default=False)
    model = models.CharField(max_length=100, blank=True)
    prompt_version = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "session summaries"

    def __str__(self) -> str:
        return f"summary of {self.session_id}"


class AccessToken(models.Model):
    """What a person is shown of a token of theirs, and takes it back by. The token itself, its
    digest and its end are the library's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token = models.OneToOneField("knox.AuthToken", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=TOKEN_NAME_MAX_LENGTH, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the hour.")

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"access token {self.pk}"


class ShareLink(models.Model):
    """A finished practice is open to whoever has its link, until then or until it is taken back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.OneToOneField(
        InterviewSession, on_delete=models.CASCADE, related_name="share_link"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"share link {self.pk}"


class PublicId(models.Model):
    """A person's id for programs and links: the API, the addresses in mails."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="public_id",
    )
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)

    def __str__(self) -> str:
        return f"public id of {self.person_id}"


class RubricIsFixed(TypeError):
    """A version of a rubric is never edited, and never deleted once answers were judged by it."""


class RubricVersions(models.QuerySet["RubricVersion"]):
    """Holds for whole sets what `RubricVersion` says of one."""

    def update(self, **values: Any) -> int:
        if not values.keys() <= {"in_use", "first_used_at"}:
            raise RubricIsFixed
        return super().update(**values)

    def bulk_create(self, objs: Any, *args: Any, **options: Any) -> Any:
        if options.get("update_conflicts"):
            raise RubricIsFixed
        for each in objs:
            each.full_clean()
        return super().bulk_create(objs, *args, **options)

    def delete(self) -> tuple[int, dict[str, int]]:
        if self.exclude(first_used_at=None).exists():
            raise RubricIsFixed
        return super().delete()


class RubricVersion(models.Model):
    """One version of a rubric that an operator made; what comes with the product is in `rubric`.

    Results name it by `version`, and so do operations that wait or may be retried: what it holds
    never changes, and once it was in use it stays. Use is changed by `own_rubrics` alone.
    """

    QUESTION_TYPES = tuple(each for each in InterviewType.choices if each[0] != InterviewType.MIXED)

    slug = models.CharField(
        "name",
        max_length=SLUG_MAX_LENGTH,
        validators=[check_slug],
        help_text="For example billing. With the number of the version it stands below each"
        " result: billing-1.",
    )
    number = models.PositiveSmallIntegerField(help_text="1, 2, 3 … of the versions of one name.")
    question_type = models.CharField(
        max_length=12, choices=QUESTION_TYPES, help_text="Answers to these questions are judged."
    )
    criteria = models.JSONField(validators=[check_criteria], help_text="See `rubric_rules`.")
    in_use = models.BooleanField(default=False)
    first_used_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RubricVersions.as_manager()

    class Meta:
        ordering = ("slug", "-number")
        verbose_name = "rubric"
        constraints = [
            models.UniqueConstraint(name="rubric_number_once", fields=("slug", "number")),
            models.UniqueConstraint(
                name="rubric_one_in_use", fields=("question_type",), condition=Q(in_use=True)
            ),
            models.CheckConstraint(name="rubric_number_counts", condition=Q(number__gte=1)),
            models.CheckConstraint(
                name="rubric_in_use_was_used",
                condition=Q(in_use=False) | Q(first_used_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.version

    def save(self, *args: Any, **options: Any) -> None:
        """Once: raises RubricIsFixed for a saved one, ValidationError for a faulty one."""
        if not self._state.adding:
            raise RubricIsFixed
        self.full_clean()
        super().save(*args, **options | {"force_insert": True})

    def clean(self) -> None:
        others = RubricVersion.objects.filter(slug=self.slug)
        if others.exclude(question_type=self.question_type).exists():
            raise ValidationError(
                {"question_type": "The versions of this name judge answers to other questions."}
            )

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """Raises RubricIsFixed once it was in use."""
        # Not as this copy remembers it: somebody may have put it into use since.
        if RubricVersion.objects.filter(pk=self.pk).exclude(first_used_at=None).exists():
            raise RubricIsFixed
        return super().delete(*args, **options)

    @property
    def version(self) -> str:
        return f"{self.slug}-{self.number}"

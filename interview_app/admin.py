"""The operator's view of interviews: what happened when, with links to the operations.

What a candidate wrote is shown only with the permission `operations.view_content`, and in no list
whatever the permission. Rows are never edited here; deleting a session is the same verb as on its
page.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from interview_app.models import (
    Answer,
    Feedback,
    InterviewSession,
    JobPosting,
    Question,
    Resume,
    SessionSummary,
)
from interview_app.queries import session_details
from interview_app.rubric_admin import RubricAdmin
from interview_app.services import delete_session
from interview_app.session_states import LABELS, sessions_having
from interview_app.user_admin import PersonAdmin
from operations.admin import ReadOnlyAdmin, register_session_states, register_subject_page
from operations.admin.export import safe_cell
from operations.admin.lookups import choice, flag, is_flag, is_number, is_text, period
from operations.admin.read_only import STYLES
from operations.models import Door
from operations.services import note_content_viewed

if TYPE_CHECKING:
    InlineBase = admin.StackedInline[Any, Any]
else:
    InlineBase = admin.StackedInline

VIEW_CONTENT = "operations.view_content"
EXPORTED = (
    "id",
    "owner__username",
    "created_at",
    "finished_at",
    "mode",
    "language",
    "interview_type",
    "seniority",
    "question_count",
    "attempt_number",
    "summary__overall",
)
NOTHING = "–"

__all__ = ["InterviewSessionAdmin", "PersonAdmin", "RubricAdmin"]

register_subject_page(
    "session",
    "admin:interview_app_interviewsession_change",
    permission="interview_app.view_interviewsession",
)
register_session_states(LABELS, sessions_having)


def readable_fields(request: HttpRequest, fields: Any, content_fields: tuple[str, ...]) -> Any:
    """The fields without those that hold what a candidate wrote, for who may not read them."""
    if request.user.has_perm(VIEW_CONTENT):
        return fields
    return [name for name in fields if name not in content_fields]


class InterviewAdmin(ReadOnlyAdmin):
    class Media:
        css = STYLES

    document = "operating#accounts-and-data"
    content_fields: ClassVar[tuple[str, ...]]
    list_per_page = 50
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return readable_fields(request, self.fields, self.content_fields)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        response: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        if response.status_code == 200 and request.user.has_perm(VIEW_CONTENT):
            note_content_viewed(
                actor=cast(User, request.user),
                subject_type=self.opts.model_name or "",
                subject_id=object_id,
            )
        return response

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # Not barred as in the ledger: a person can ask for their data to be deleted.
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


class ContentInline(InlineBase):
    content_fields: ClassVar[tuple[str, ...]]
    extra = 0
    can_delete = False

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return readable_fields(request, self.fields, self.content_fields)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class QuestionInline(ContentInline):
    model = Question
    fields = (
        "number",
        "follows",
        "type",
        "competency",
        "text",
        "why",
        "answers_given",
        "model",
        "simulated",
    )
    readonly_fields = ("follows", "answers_given")
    # Questions quote the posting and the résumé.
    content_fields = ("competency", "text", "why")
    ordering = ("number",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Question]:
        self.may_read = request.user.has_perm(VIEW_CONTENT)
        questions: QuerySet[Question] = super().get_queryset(request)
        return questions.select_related("follow_up_to__question").prefetch_related(
            "answers__feedback"
        )

    @admin.display(description=gettext_lazy("follow-up to question"))
    def follows(self, question: Question) -> int | str:
        return question.follow_up_to.question.number if question.follow_up_to else NOTHING

    @admin.display(description=gettext_lazy("answers"))
    def answers_given(self, question: Question) -> SafeString | str:
        lines = format_html_join(
            "", "<li>{}</li>", ((self._answer(each),) for each in question.answers.all())
        )
        return format_html("<ol>{}</ol>", lines) if lines else NOTHING

    def _answer(self, answer: Answer) -> SafeString:
        head = _("%(words)d words, %(at)s, %(score)s") % {
            "words": answer.word_count,
            "at": f"{answer.created_at:%Y-%m-%d %H:%M}",
            "score": _score(getattr(answer, "feedback", None)),
        }
        text = format_html("<pre>{}</pre>", answer.text) if self.may_read else ""
        return format_html(
            '{} (<a href="{}">{}</a>){}',
            head,
            _operations_url(subject_id__exact=answer.pk),
            _("operations"),
            text,
        )


class SummaryInline(ContentInline):
    model = SessionSummary
    fields = ("overall", "missing", "text", "exercise", "operation", "model", "simulated")
    content_fields = ("text", "exercise")
    raw_id_fields = ("operation",)


@admin.register(InterviewSession)
class InterviewSessionAdmin(InterviewAdmin):
    list_display = (
        "created_at",
        "id",
        "owner",
        "state",
        "language",
        "mode",
        "question_count",
        "attempt_number",
        "operations",
        "finished_at",
    )
    list_filter = ("mode", "language", "interview_type", "seniority", "created_at")
    lookups = {
        **choice("mode"),
        **choice("language"),
        **choice("interview_type"),
        **choice("seniority"),
        **period("created_at"),
        "finished_at__isnull": is_flag,
        "owner__exact": is_number,
    }
    list_select_related = ("owner", "summary")
    search_fields = ("id__exact", "owner__username")
    date_hierarchy = "created_at"
    actions = ("export_selected",)
    fields = (
        "id",
        "owner",
        "state",
        "operations",
        "role",
        "job_description",
        "resume_text",
        "job_posting",
        "seniority",
        "question_count",
        "interview_type",
        "mode",
        "language",
        "attempt_number",
        "created_at",
        "finish_requested_at",
        "finished_at",
    )
    content_fields = ("role", "job_description", "resume_text")
    inlines = (QuestionInline, SummaryInline)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changes: Any = super().get_changelist_instance(request)
        # One look at the parts of the whole page instead of one a row.
        changes.result_list = list(changes.result_list)
        for detail in session_details(changes.result_list):
            detail.session.admin_state = detail.status  # type: ignore[attr-defined]
        return changes

    @admin.display(description=gettext_lazy("status"))
    def state(self, session: InterviewSession) -> str:
        known: str | None = getattr(session, "admin_state", None)
        return known or session_details([session])[0].status

    @admin.display(description=gettext_lazy("operations"))
    def operations(self, session: InterviewSession) -> SafeString:
        url = _operations_url(session_id__exact=session.pk)
        return format_html('<a href="{}">{}</a>', url, _("operations"))

    @admin.action(description="Export selected as CSV", permissions=["view"])
    def export_selected(
        self, request: HttpRequest, sessions: QuerySet[InterviewSession]
    ) -> HttpResponse:
        """Dates and numbers for a report; no word of a candidate."""
        response = HttpResponse(content_type="text/csv")
        response.headers["Content-Disposition"] = 'attachment; filename="sessions.csv"'
        writer = csv.writer(response)
        writer.writerow(EXPORTED)
        for row in sessions.order_by("created_at").values_list(*EXPORTED):
            writer.writerow([safe_cell("" if cell is None else str(cell)) for cell in row])
        return response

    def delete_model(self, request: HttpRequest, obj: InterviewSession) -> None:
        delete_session(session=obj, actor=cast(User, request.user), door=Door.ADMIN)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[InterviewSession]) -> None:
        for session in queryset:
            self.delete_model(request, session)


@admin.register(JobPosting)
class JobPostingAdmin(InterviewAdmin):
    list_display = ("created_at", "id", "owner", "language", "experience_level", "sessions_started")
    list_select_related = ("owner",)
    list_filter = ("language", "experience_level", "created_at")
    lookups = choice("language") | choice("experience_level") | period("created_at")
    search_fields = ("id__exact", "owner__username")
    fields = (
        "id",
        "owner",
        "title",
        "company",
        "description",
        "tech_stack",
        "experience_level",
        "language",
        "created_at",
        "updated_at",
    )
    content_fields = ("title", "company", "description", "tech_stack")

    def get_queryset(self, request: HttpRequest) -> QuerySet[JobPosting]:
        postings: QuerySet[JobPosting] = super().get_queryset(request)
        return postings.annotate(session_count=Count("sessions"))

    @admin.display(description=gettext_lazy("sessions"), ordering="session_count")
    def sessions_started(self, posting: JobPosting) -> int:
        count: int = posting.session_count  # type: ignore[attr-defined]
        return count


@admin.register(Resume)
class ResumeAdmin(InterviewAdmin):
    document = "resumes"
    list_display = ("owner", "source", "updated_at")
    list_select_related = ("owner",)
    list_filter = ("source",)
    lookups = {"source": is_text}
    search_fields = ("owner__username",)
    fields = ("owner", "source", "updated_at", "text", "entries")
    content_fields = ("text", "entries")


@admin.register(Feedback)
class FeedbackAdmin(InterviewAdmin):
    list_display = (
        "created_at",
        "answer_id",
        "score",
        "response_type",
        "not_scored_reason",
        "dropped_quotes",
        "simulated",
        "model",
        "prompt_version",
        "operation_link",
    )
    list_filter = ("simulated", "not_scored_reason", "prompt_version", "created_at")
    lookups = {
        **flag("simulated"),
        **period("created_at"),
        "not_scored_reason": is_text,
        "not_scored_reason__isnull": is_flag,
        "prompt_version": is_text,
    }
    search_fields = ("answer__id__exact", "operation__id__exact")
    fields = (
        "answer_id",
        "score",
        "response_type",
        "not_scored_reason",
        "dropped_quotes",
        "criteria",
        "strengths",
        "fixes",
        "rewrite",
        "simulated",
        "model",
        "prompt_version",
        "rubric_version",
        "operation_link",
        "created_at",
    )
    readonly_fields = ("answer_id", "operation_link")
    # They quote the answer.
    content_fields = ("criteria", "strengths", "fixes", "rewrite")

    @admin.display(description=gettext_lazy("operation"))
    def operation_link(self, feedback: Feedback) -> SafeString | str:
        return _operation_link(feedback.operation_id)


@admin.register(SessionSummary)
class SessionSummaryAdmin(InterviewAdmin):
    list_display = (
        "created_at",
        "session_id",
        "overall",
        "missing",
        "simulated",
        "model",
        "prompt_version",
        "operation_link",
    )
    list_filter = ("simulated", "prompt_version", "created_at")
    lookups = flag("simulated") | period("created_at") | {"prompt_version": is_text}
    search_fields = ("session__id__exact", "operation__id__exact")
    fields = (
        "session_id",
        "overall",
        "missing",
        "by_competency",
        "text",
        "strengths",
        "habits",
        "exercise",
        "simulated",
        "model",
        "prompt_version",
        "operation_link",
        "created_at",
    )
    readonly_fields = ("session_id", "operation_link")
    content_fields = ("by_competency", "text", "strengths", "habits", "exercise")

    @admin.display(description=gettext_lazy("operation"))
    def operation_link(self, summary: SessionSummary) -> SafeString | str:
        return _operation_link(summary.operation_id)


def _score(feedback: Feedback | None) -> str:
    if feedback is None:
        return _("no feedback")
    if feedback.score is None:
        return _("not scored: %(reason)s") % {"reason": feedback.not_scored_reason}
    return _("score %(score)s") % {"score": feedback.score}


def _operations_url(**lookup: UUID) -> str:
    ((name, value),) = lookup.items()
    return f"{reverse('admin:operations_operation_changelist')}?{name}={value}"


def _operation_link(operation_id: UUID | None) -> SafeString | str:
    if operation_id is None:
        return NOTHING
    url = reverse("admin:operations_operation_change", args=(operation_id,))
    return format_html('<a href="{}">{}</a>', url, operation_id)

"""Rubrics in the admin: those in use, those that came with the product, and a new version.

Nothing that is saved is edited; deleted is only what was never in use. Permissions are Django's:
adding a rubric makes versions, changing one puts it into use or out of it.
"""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from interview_app.models import RubricVersion
from interview_app.own_rubrics import add_version, put_into_use, take_out_of_use
from interview_app.rubric import RUBRICS
from interview_app.rubric_forms import (
    POSITIONS,
    RubricForm,
    initial_of_built_in,
    initial_of_own,
    names_of,
)
from interview_app.rubric_rules import LANGUAGES, MIN_CRITERIA, PARTS
from operations.admin.lookups import ListedLookupsAdmin, choice, flag, is_number
from operations.admin.read_only import STYLES

SENT_AS_INSTRUCTION = (
    "What you write here is sent to the AI with each answer, as an instruction that it follows:"
    " write no names, nothing secret and nothing that it should not obey. A practice uses its own"
    " language, or the one that there is. 2 to 8 criteria; leave the other blocks empty."
)
SHOWN = ("version", "question_type", "in_use", "first_used_at", "created_by", "created_at", "holds")


@admin.register(RubricVersion)
class RubricAdmin(ListedLookupsAdmin):
    class Media:
        css = STYLES

    document = "operating#rubrics"
    list_display = ("version", "question_type", "in_use", "first_used_at", "criteria_keys")
    list_filter = ("question_type", "in_use")
    lookups = choice("question_type") | flag("in_use")
    search_fields = ("slug",)
    actions = ("use", "stop_using")
    list_per_page = 50
    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_use_permission(self, request: HttpRequest) -> bool:
        return super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        was_used = obj is not None and obj.first_used_at is not None
        return not was_used and super().has_delete_permission(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return ((None, {"fields": SHOWN}),)
        head = (None, {"fields": ("slug", "question_type"), "description": SENT_AS_INSTRUCTION})
        return (head, *map(_fieldset, POSITIONS))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return SHOWN if obj is not None else ()

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> Any:
        if obj is None:
            # The fields of the criteria are no columns: the form adds them itself.
            options |= {"form": RubricForm, "fields": ("slug", "question_type")}
        return super().get_form(request, obj, change, **options)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """`?from=`: the version, an operator's or a built-in one, that the new one begins with."""
        origin = request.GET.get("from", "")
        for question_type, rubric in RUBRICS.items():
            if rubric.version == origin:
                with translation.override("en"):
                    return initial_of_built_in(rubric, question_type)
        own = RubricVersion.objects.filter(pk=origin).first() if is_number(origin) else None
        return dict(initial_of_own(own)) if own else {}

    def save_model(self, request: HttpRequest, obj: RubricVersion, form: Any, change: bool) -> None:
        add_version(obj, created_by=cast(User, request.user))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        built_in = {"built_in": RUBRICS.items(), "may_add": self.has_add_permission(request)}
        return super().changelist_view(request, {**built_in, **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        may = {
            "may_add": self.has_add_permission(request),
            "may_use": self.has_use_permission(request),
        }
        return super().change_view(request, object_id, form_url, {**may, **(extra_context or {})})

    @admin.display(description="criteria")
    def criteria_keys(self, rubric: RubricVersion) -> str:
        return ", ".join(each["key"] for each in rubric.criteria)

    @admin.display(description="criteria")
    def holds(self, rubric: RubricVersion) -> SafeString:
        return format_html_join(
            "",
            "<h4>{} ({})</h4>{}",
            (
                (each["key"], LANGUAGES[language], _lines(texts))
                for each in rubric.criteria
                for language, texts in each["texts"].items()
            ),
        )

    @admin.action(description="Put into use", permissions=["use"])
    def use(self, request: HttpRequest, chosen: QuerySet[RubricVersion]) -> None:
        rubrics = list(chosen)
        if len({each.question_type for each in rubrics}) < len(rubrics):
            messages.error(request, "Choose one rubric for each type of question.")
            return
        for each in rubrics:
            put_into_use(each)
            self.log_change(request, each, "Put into use.")
            messages.success(
                request,
                f"In use: {each} judges new answers to {each.question_type} questions. Analyses"
                " that were asked for before keep their rubric.",
            )

    @admin.action(description="Take out of use", permissions=["use"])
    def stop_using(self, request: HttpRequest, chosen: QuerySet[RubricVersion]) -> None:
        for each in chosen:
            take_out_of_use(each)
            self.log_change(request, each, "Taken out of use.")
            messages.success(request, f"Not in use: {each}.")


def _fieldset(position: int) -> Any:
    needed = position <= MIN_CRITERIA
    return (
        f"Criterion {position}" + ("" if needed else " (may be left empty)"),
        {"fields": names_of(position)},
    )


def _lines(texts: dict[str, str]) -> SafeString:
    lines = ((PARTS[part][0].capitalize(), texts[part]) for part in PARTS)
    return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", lines))

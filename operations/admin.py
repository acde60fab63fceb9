"""The operator's door: failed operations with their message, and the verbs to repair them.

Rows are never edited here: status moves only through `operations.services`, the same functions that
the pages, the API and the commands call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from operations import queries, services
from operations.errors import rule_of
from operations.models import (
    Attempt,
    Operation,
    OperationEvent,
    ProviderPause,
    WorkerHeartbeat,
)
from operations.refusals import Refusal

if TYPE_CHECKING:
    ReadOnlyBase = admin.ModelAdmin[Any]
    InlineBase = admin.TabularInline[Any, Any]
else:
    ReadOnlyBase = admin.ModelAdmin
    InlineBase = admin.TabularInline

DOOR = "admin"

# django-q2's own pages run any callable that is typed into them and unpickle what is in the
# database: nobody gets them.
for model in apps.get_app_config("django_q").get_models():
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class ReadOnlyAdmin(ReadOnlyBase):
    """Looking is a permission; changing is a verb."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyInline(InlineBase):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class AttemptInline(ReadOnlyInline):
    model = Attempt
    fields = (
        "number",
        "run",
        "outcome",
        "error_code",
        "http_status",
        "provider_request_id",
        "duration_ms",
        "wait_seconds",
        "input_tokens",
        "output_tokens",
        "cost_usd",
        "possibly_paid_twice",
        "detail",
        "started_at",
    )
    readonly_fields = fields
    ordering = ("number",)
    verbose_name_plural = gettext_lazy("attempts (one HTTP call each)")


class EventInline(ReadOnlyInline):
    model = OperationEvent
    fields = ("at", "name", "from_status", "to_status", "door", "actor", "detail")
    readonly_fields = fields
    ordering = ("id",)
    verbose_name_plural = gettext_lazy("history")


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "kind",
        "state",
        "error_code",
        "message",
        "retry_helps",
        "owner",
        "attempts",
        "model",
        "simulated",
        "finished_at",
    )
    list_filter = ("status", "error_category", "error_code", "kind", "simulated", "created_at")
    list_select_related = ("owner",)
    search_fields = (
        "id__exact",
        "session_id__exact",
        "owner__username",
        "attempt_ledger__provider_request_id",
        "error_code",
    )
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    list_per_page = 50
    show_full_result_count = False
    inlines = (AttemptInline, EventInline)
    actions = ("retry_selected", "cancel_selected")
    fieldsets = (
        (None, {"fields": ("state", "message", "remedy", "retry_helps", "next_attempt_at")}),
        (
            gettext_lazy("What it is"),
            {"fields": ("id", "kind", "subject_type", "subject_id", "session_id", "owner")},
        ),
        (
            gettext_lazy("Calls"),
            {
                "fields": (
                    "attempts",
                    "run",
                    "model",
                    "simulated",
                    "input_tokens",
                    "output_tokens",
                    "cost_usd",
                    "credential",
                )
            },
        ),
        (
            gettext_lazy("Engine"),
            {"fields": ("fence", "losses", "lease_owner", "lease_expires_at")},
        ),
        (
            gettext_lazy("Times"),
            {"fields": ("created_at", "queued_at", "started_at", "finished_at")},
        ),
    )

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def state(self, operation: Operation) -> str:
        is_paused = getattr(operation, "is_paused", False)  # annotated in get_queryset
        waiting = queries.waiting(operation, {operation.credential} if is_paused else set())
        if waiting is None or waiting.reason == Operation.Waiting.QUEUED:
            return operation.status
        return f"{operation.status}: {waiting.reason}"

    @admin.display(description=gettext_lazy("message"))
    def message(self, operation: Operation) -> str:
        return queries.operation_message(operation) or "–"

    @admin.display(description=gettext_lazy("remedy"))
    def remedy(self, operation: Operation) -> str:
        return str(rule_of(operation.error_code).remedy) if operation.error_code else "–"

    @admin.display(description=gettext_lazy("retry helps"), boolean=True)
    def retry_helps(self, operation: Operation) -> bool | None:
        return queries.is_retryable(operation) if operation.is_final else None

    @admin.action(description=gettext_lazy("Retry selected operations"), permissions=["retry"])
    def retry_selected(self, request: HttpRequest, operations: QuerySet[Operation]) -> None:
        self._run_on_each(request, operations, services.retry_operation, _("%(n)d retried."))

    @admin.action(description=gettext_lazy("Cancel selected operations"), permissions=["cancel"])
    def cancel_selected(self, request: HttpRequest, operations: QuerySet[Operation]) -> None:
        self._run_on_each(request, operations, services.cancel_operation, _("%(n)d cancelled."))

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("operations.retry_operation")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("operations.cancel_operation")

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<path:object_id>/retry/",
                self.admin_site.admin_view(self.retry_view),
                name="operations_operation_retry",
            ),
            path(
                "<path:object_id>/cancel/",
                self.admin_site.admin_view(self.cancel_view),
                name="operations_operation_cancel",
            ),
            *super().get_urls(),
        ]

    def retry_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        allowed = self.has_retry_permission(request)
        return self._run_on_one(request, object_id, allowed, services.retry_operation)

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        allowed = self.has_cancel_permission(request)
        return self._run_on_one(request, object_id, allowed, services.cancel_operation)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        operation = self.get_object(request, unquote(object_id))
        context = dict(extra_context or {})
        if operation is not None:
            context |= {
                "may_retry": operation.status in Operation.RETRYABLE
                and self.has_retry_permission(request),
                "may_cancel": not operation.is_final and self.has_cancel_permission(request),
            }
        return super().change_view(request, object_id, form_url, context)

    def _run_on_one(
        self,
        request: HttpRequest,
        object_id: str,
        allowed: bool,
        verb: Callable[..., Operation],
    ) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not allowed:
            raise PermissionDenied
        operation = self.get_object(request, unquote(object_id))
        if operation is None:
            return self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined, no-any-return]
                request, self.opts, object_id
            )
        try:
            verb(operation_id=operation.pk, actor=request.user, door=DOOR)
        except Refusal as refusal:
            messages.warning(request, str(refusal))
        else:
            messages.success(request, _("Done: the operation's history has the details."))
        return HttpResponseRedirect(
            reverse("admin:operations_operation_change", args=(operation.pk,))
        )

    def _run_on_each(
        self,
        request: HttpRequest,
        operations: QuerySet[Operation],
        verb: Callable[..., Operation],
        done: str,
    ) -> None:
        changed = 0
        refused: dict[str, int] = {}
        for operation_id in operations.values_list("pk", flat=True):
            try:
                verb(operation_id=operation_id, actor=request.user, door=DOOR)
                changed += 1
            except Refusal as refusal:
                refused[str(refusal)] = refused.get(str(refusal), 0) + 1
        if changed:
            messages.success(request, done % {"n": changed})
        for reason, count in refused.items():
            text = _("%(n)d skipped: %(reason)s") % {"n": count, "reason": reason}
            messages.warning(request, text)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Operation]:
        open_pause = ProviderPause.objects.filter(
            credential=OuterRef("credential"), resumed_at=None
        )
        operations: QuerySet[Operation] = super().get_queryset(request)
        return operations.annotate(is_paused=Exists(open_pause))


@admin.register(ProviderPause)
class ProviderPauseAdmin(ReadOnlyAdmin):
    list_display = ("credential", "error_code", "paused_at", "probed_at", "resumed_at", "waiting")
    list_filter = ("error_category", "resumed_at")
    actions = ("resume_selected",)

    @admin.display(description=gettext_lazy("waiting operations"))
    def waiting(self, pause: ProviderPause) -> str:
        if pause.resumed_at is not None:
            return "–"
        url = reverse("admin:operations_operation_changelist")
        count = Operation.objects.filter(
            status=Operation.Status.PENDING, credential=pause.credential
        ).count()
        return format_html('<a href="{}?status__exact=pending">{}</a>', url, count)

    @admin.action(description=gettext_lazy("Resume selected credentials"), permissions=["resume"])
    def resume_selected(self, request: HttpRequest, chosen: QuerySet[ProviderPause]) -> None:
        actor = cast(AbstractUser, request.user)  # the admin lets nobody else in
        resumed = sum(
            services.resume_provider(credential=pause.credential, actor=actor) for pause in chosen
        )
        text = ngettext("%(n)d credential resumed.", "%(n)d credentials resumed.", resumed)
        messages.success(request, text % {"n": resumed})

    def has_resume_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("operations.resume_provider")


@admin.register(WorkerHeartbeat)
class WorkerHeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("hostname", "pid", "in_flight", "accepts_work", "started_at", "beat_at")

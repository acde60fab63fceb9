"""The list of operations with its header, and the page of one: what happened, what can be done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    QueryDict,
)
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from operations import bulk, console, services
from operations.admin import filters, words
from operations.admin.heading import heading
from operations.admin.lookups import choice, is_number, is_search, is_text, is_uuid
from operations.admin.page import page_of
from operations.admin.read_only import (
    DOOR,
    STYLES,
    ReadOnlyAdmin,
    refuse_unless_post,
    refuse_without,
)
from operations.admin.search import HELP, search
from operations.kinds import UnknownKind, get_kind
from operations.models import BulkAction, Operation, ProviderPause
from operations.refusals import Refusal

RETRY = "operations.retry_operation"
CANCEL = "operations.cancel_operation"

VERBS_OF = {
    **dict.fromkeys(console.UNFINISHED_STATES, ("cancel",)),
    "failed": ("retry", "acknowledge"),
    "acknowledged": ("retry",),
    "cancelled": ("retry",),
    "completed": (),
}
"""What makes sense for all rows of one state; in a mixed list the dry run sorts them out."""


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    class Media:
        css = STYLES

    change_list_template = "admin/operations/operation/change_list.html"
    list_display = (
        "what",
        "state",
        "error",
        "tries",
        "possible",
        "age",
        "owner_link",
        "session_link",
        "used_model",
        "cost",
    )
    list_display_links = ("what",)
    list_filter = (
        filters.StateFilter,
        filters.CategoryFilter,
        filters.CodeFilter,
        filters.EndedFilter,
        filters.KindFilter,
        filters.TriesFilter,
        filters.ModelFilter,
    )
    lookups = {
        **dict.fromkeys(("state", "category", "code", "ended", "kind", "tries", "model"), is_text),
        **choice("status"),
        **choice("error_category"),
        "owner__exact": is_number,
        "session_id__exact": is_uuid,
        "subject_id__exact": is_text,
    }
    list_select_related = ("owner",)
    search_fields = ("pk",)  # shows the box; `get_search_results` decides what it means
    search_help_text = HELP
    ordering = ("-created_at", "-id")
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # ours count what is worth counting, in one query each
    actions = ("retry_selected", "cancel_selected", "acknowledge_selected")
    fieldsets = (
        (
            "What it is",
            {"fields": ("id", "kind", "subject_type", "subject_id", "session_id", "owner")},
        ),
        (
            "Calls",
            {
                "fields": (
                    "attempts",
                    "run",
                    "run_attempts",
                    "model",
                    "simulated",
                    "input_tokens",
                    "output_tokens",
                    "cost_usd",
                    "credential",
                    "own_key",
                    "parameters",
                )
            },
        ),
        (
            "Engine",
            {
                "fields": (
                    "status",
                    "waiting_reason",
                    "next_attempt_at",
                    "retry_after_at",
                    "is_probe",
                    "fence",
                    "losses",
                    "deferrals",
                    "lease_owner",
                    "lease_expires_at",
                    "cancel_requested_at",
                )
            },
        ),
        (
            "Times",
            {"fields": ("created_at", "queued_at", "started_at", "finished_at", "updated_at")},
        ),
    )

    # --- The list ---------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Operation]:
        open_pause = ProviderPause.objects.filter(
            credential=OuterRef("credential"), resumed_at=None
        )
        operations: QuerySet[Operation] = super().get_queryset(request)
        return operations.annotate(paused_by=Subquery(open_pause.values("error_code")[:1]))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Operation], search_term: str
    ) -> tuple[QuerySet[Operation], bool]:
        found = search(queryset, search_term) if is_search(search_term) else queryset.none()
        return found, False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = heading(request) | {
            "title": "Operations",
            "bulk_verbs": [
                verb
                for verb in VERBS_OF.get(request.GET.get("state", ""), BulkAction.Verb.values)
                if bulk.may(request.user, verb)
            ],
            "query_string": request.GET.urlencode(),
            "is_nav_sidebar_enabled": False,  # ten columns need its room at 1280 px
        }
        return super().changelist_view(request, context | (extra_context or {}))

    @admin.display(description="operation", ordering="kind")
    def what(self, operation: Operation) -> str:
        return kind_label(operation.kind)

    @admin.display(description="state", ordering="status")
    def state(self, operation: Operation) -> SafeString:
        state, text = state_with_text(operation, timezone.now())
        return format_html('<span class="op-state op-{}">{}</span>', state, text)

    @admin.display(description="error", ordering="error_code")
    def error(self, operation: Operation) -> SafeString | str:
        if not operation.error_code:
            return words.NOTHING
        if operation.error_code.lower() == operation.error_category:
            return operation.error_code
        return format_html(
            '{} <span class="quiet">{}</span>', operation.error_code, operation.error_category
        )

    @admin.display(description="tries", ordering="attempts")
    def tries(self, operation: Operation) -> str:
        budget = 1 + int(settings.OPERATIONS_MAX_RETRIES)
        this_run = f"{operation.run_attempts}/{budget}"
        return this_run if operation.run == 1 else f"{this_run}, {operation.attempts} ever"

    @admin.display(description="possible", ordering="next_attempt_at")
    def possible(self, operation: Operation) -> str:
        now = timezone.now()
        moment = operation.next_attempt_at or operation.retry_after_at
        if moment is None or operation.status == Operation.Status.COMPLETED:
            return words.NOTHING
        return words.until(moment, now)

    @admin.display(description="age", ordering="created_at")
    def age(self, operation: Operation) -> SafeString:
        return format_html(
            '<time datetime="{}" title="{} UTC">{}</time>',
            operation.created_at.isoformat(),
            f"{operation.created_at:%Y-%m-%d %H:%M:%S}",
            words.age(operation.created_at, timezone.now()),
        )

    @admin.display(description="owner", ordering="owner__username")
    def owner_link(self, operation: Operation) -> SafeString | str:
        if operation.owner is None:
            return words.NOTHING
        return format_html(
            '<a href="?owner__exact={}">{}</a>', operation.owner_id, operation.owner.get_username()
        )

    @admin.display(description="session")
    def session_link(self, operation: Operation) -> SafeString | str:
        if operation.session_id is None:
            return words.NOTHING
        return format_html(
            '<a href="?session_id__exact={}">{}</a>',
            operation.session_id,
            str(operation.session_id)[:8],
        )

    @admin.display(description="model", ordering="model")
    def used_model(self, operation: Operation) -> str:
        if operation.simulated:
            return "simulated"
        return operation.model or words.NOTHING

    @admin.display(description="tokens, cost", ordering="cost_usd")
    def cost(self, operation: Operation) -> SafeString | str:
        tokens = operation.input_tokens + operation.output_tokens
        if not tokens:
            return words.NOTHING
        cost = "price unknown" if operation.cost_usd is None else f"${operation.cost_usd:.4f}"
        return format_html('{} <span class="quiet">{}</span>', f"{tokens:,}", cost)

    # --- Many at once -----------------------------------------------------------------------------

    @admin.action(description="Retry selected …", permissions=["bulk_retry"])
    def retry_selected(self, request: HttpRequest, operations: QuerySet[Operation]) -> HttpResponse:
        return self._draft(request, BulkAction.Verb.RETRY, operations, request.GET.urlencode())

    @admin.action(description="Cancel selected …", permissions=["bulk_cancel"])
    def cancel_selected(
        self, request: HttpRequest, operations: QuerySet[Operation]
    ) -> HttpResponse:
        return self._draft(request, BulkAction.Verb.CANCEL, operations, request.GET.urlencode())

    @admin.action(description="Acknowledge selected …", permissions=["bulk_retry"])
    def acknowledge_selected(
        self, request: HttpRequest, operations: QuerySet[Operation]
    ) -> HttpResponse:
        verb = BulkAction.Verb.ACKNOWLEDGE
        return self._draft(request, verb, operations, request.GET.urlencode())

    def has_bulk_retry_permission(self, request: HttpRequest) -> bool:
        return bulk.may(request.user, BulkAction.Verb.RETRY)

    def has_bulk_cancel_permission(self, request: HttpRequest) -> bool:
        return bulk.may(request.user, BulkAction.Verb.CANCEL)

    def bulk_view(self, request: HttpRequest) -> HttpResponse:
        """Draft an action on all rows that match the list's filter, not on a page of them."""
        if refusal := refuse_unless_post(request):
            return refusal
        verb = request.POST.get("verb", "")
        query = request.POST.get("query", "")
        if verb not in BulkAction.Verb.values:
            return HttpResponse("No such verb.", status=400, content_type="text/plain")
        try:
            matching = self.matching(request, query)
        except IncorrectLookupParameters:  # for which the list itself would show no rows either
            return HttpResponse("No such filter.", status=400, content_type="text/plain")
        return self._draft(request, verb, matching, query)

    def matching(self, request: HttpRequest, query: str) -> QuerySet[Operation]:
        """The rows that the list shows for this query string, on all its pages."""
        request.GET = QueryDict(query)
        found: QuerySet[Operation] = self.get_changelist_instance(request).get_queryset(request)
        return found

    def _draft(
        self, request: HttpRequest, verb: str, operations: QuerySet[Operation], query: str
    ) -> HttpResponse:
        if not bulk.may(request.user, verb):
            raise PermissionDenied
        action = bulk.draft(
            verb=verb, operations=operations, actor=cast(AbstractUser, request.user), query=query
        )
        return HttpResponseRedirect(
            reverse("admin:operations_bulkaction_change", args=(action.pk,))
        )

    # --- One --------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        def wrapped(view: Callable[..., HttpResponse]) -> Any:
            return self.admin_site.admin_view(view)

        return [
            path("bulk/", wrapped(self.bulk_view), name="operations_operation_bulk"),
            path(
                "<path:object_id>/retry/",
                wrapped(self.retry_view),
                name="operations_operation_retry",
            ),
            path(
                "<path:object_id>/cancel/",
                wrapped(self.cancel_view),
                name="operations_operation_cancel",
            ),
            path(
                "<path:object_id>/acknowledge/",
                wrapped(self.acknowledge_view),
                name="operations_operation_acknowledge",
            ),
            *super().get_urls(),
        ]

    def retry_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        model = request.POST.get("model", "").strip()[:100]
        when = request.POST.get("when", services.NOW)
        return self._run(
            request, object_id, RETRY, services.retry_operation, model=model, when=when
        )

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._run(request, object_id, CANCEL, services.cancel_operation)

    def acknowledge_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        note = request.POST.get("note", "").strip()
        return self._run(request, object_id, RETRY, services.acknowledge_operation, note=note)

    def _run(
        self,
        request: HttpRequest,
        object_id: str,
        permission: str,
        verb: Callable[..., Operation],
        **options: str,
    ) -> HttpResponse:
        if refusal := refuse_unless_post(request):
            return refusal
        refuse_without(request, permission)
        operation = self.get_object(request, unquote(object_id))
        if operation is None:
            return self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined, no-any-return]
                request, self.opts, object_id
            )
        try:
            verb(operation_id=operation.pk, actor=request.user, door=DOOR, **options)
        except Refusal as said:
            messages.warning(request, str(said))
        else:
            messages.success(request, "Done: the history below has the details.")
        return HttpResponseRedirect(
            reverse("admin:operations_operation_change", args=(operation.pk,))
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = dict(extra_context or {})
        operation = self.get_object(request, unquote(object_id))
        if operation is not None:
            state, text = state_with_text(operation, timezone.now())
            context |= page_of(operation, request.user) | {
                "title": kind_label(operation.kind),
                "subtitle": None,
                "state": state,
                "state_text": text,
            }
        return super().change_view(request, object_id, form_url, context)


def state_with_text(operation: Operation, now: datetime) -> tuple[str, str]:
    paused_by = getattr(operation, "paused_by", None)  # annotated in get_queryset
    state = console.state_of(operation, is_paused=paused_by is not None, now=now)
    return state, words.state_text(operation, state, paused_by=paused_by or "", now=now)


def kind_label(name: str) -> str:
    try:
        return str(get_kind(name).label)
    except UnknownKind:  # a kind of an older release
        return name

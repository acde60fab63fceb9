"""The list of operations with its header, and the page of one: what happened, what can be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    QueryDict,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from operations import services
from operations.admin import filters
from operations.admin.charts import charts
from operations.admin.columns import OperationColumns, kind_label, state_with_text
from operations.admin.heading import heading
from operations.admin.lookups import choice, is_number, is_search, is_text, is_uuid
from operations.admin.page import page_of
from operations.admin.read_only import (
    SCRIPTS,
    STYLES,
    ReadOnlyAdmin,
    refuse_unless_post,
    refuse_without,
)
from operations.admin.search import HELP, search
from operations.console import bulk
from operations.database.paused import CODE_OF_PAUSE
from operations.database.states import UNFINISHED_STATES, with_state
from operations.models import BulkAction, Door, Operation
from operations.refusals import Refusal

RETRY = "operations.retry_operation"
CANCEL = "operations.cancel_operation"

VERBS_OF = {
    **dict.fromkeys(UNFINISHED_STATES, ("cancel",)),
    "failed": ("retry", "acknowledge"),
    "acknowledged": ("retry",),
    "cancelled": ("retry",),
    "completed": (),
}
"""What makes sense for all rows of one state; in a mixed list the dry run sorts them out."""

FIELDS = {
    "What it is": "id kind subject_type subject_id session_id owner request_id",
    "Calls": "attempts run run_attempts model simulated input_tokens output_tokens cost_usd"
    " credential own_key parameters",
    "Engine": "status waiting_reason next_attempt_at retry_after_at is_probe fence losses deferrals"
    " lease_owner worker lease_expires_at cancel_requested_at",
    "Times": "created_at queued_at started_at finished_at updated_at",
}


@admin.register(Operation)
class OperationAdmin(OperationColumns, ReadOnlyAdmin):
    class Media:
        css = STYLES
        js = SCRIPTS

    document = "operating#find-what-is-wrong"
    change_list_template = "admin/operations/operation/change_list.html"
    list_display = OperationColumns.columns
    list_display_links = ("what",)
    list_filter = (
        filters.StateFilter,
        filters.CategoryFilter,
        filters.CodeFilter,
        filters.EndedFilter,
        filters.KindFilter,
        filters.TriesFilter,
        filters.ModelFilter,
        filters.SessionFilter,
    )
    lookups = {
        **dict.fromkeys(("state", "category", "code", "ended", "kind", "tries", "model"), is_text),
        "session_status": is_text,
        **choice("status"),
        **choice("error_category"),
        "owner__exact": is_number,
        "session_id__exact": is_uuid,
        "request_id__exact": is_text,
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
    fieldsets = tuple((title, {"fields": tuple(names.split())}) for title, names in FIELDS.items())

    # --- The list ---------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Operation]:
        operations: QuerySet[Operation] = super().get_queryset(request)
        return with_state(operations).annotate(paused_by=CODE_OF_PAUSE)

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
        }
        return super().changelist_view(request, context | (extra_context or {}))

    def charts_view(self, request: HttpRequest) -> HttpResponse:
        """How operations ended over the last hour, day and week."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = self.admin_site.each_context(request) | {
            "title": "How operations ended",
            "opts": self.opts,
            "media": self.media,
            "charts": charts(),
            "is_nav_sidebar_enabled": False,
        }
        return TemplateResponse(request, "admin/operations/operation/charts.html", context)

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
            path("charts/", wrapped(self.charts_view), name="operations_operation_charts"),
            *(
                path(
                    f"<path:object_id>/{verb}/",
                    wrapped(getattr(self, f"{verb}_view")),
                    name=f"operations_operation_{verb}",
                )
                for verb in ("retry", "cancel", "acknowledge")
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
            verb(operation_id=operation.pk, actor=request.user, door=Door.ADMIN, **options)
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
                "is_nav_sidebar_enabled": False,  # thirteen columns of attempts, likewise
                "state": state,
                "state_text": text,
            }
        return super().change_view(request, object_id, form_url, context)

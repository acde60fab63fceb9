"""Bulk actions: the confirmation with its dry run, the progress, the report of each item."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Model
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from operations import services
from operations.admin import words
from operations.admin.export import by_key, csv_response
from operations.admin.lookups import choice
from operations.admin.read_only import STYLES, ReadOnlyAdmin, refuse_unless_post
from operations.console import bulk
from operations.database.clock import database_now
from operations.models import BulkAction, BulkItem, Operation
from operations.queries import living_workers

REFRESH_SECONDS = 3
ITEMS_PER_PAGE = 100
LONGEST_SPREAD_MINUTES = 24 * 60
PAST = {"retry": "retried", "cancel": "cancelled", "acknowledge": "acknowledged"}


@admin.register(BulkAction)
class BulkActionAdmin(ReadOnlyAdmin):
    class Media:
        css = STYLES

    document = "operating#repair"
    change_form_template = "admin/operations/bulkaction/change_form.html"
    list_display = ("created_at", "verb", "state", "actor", "items_done", "started_at")
    list_select_related = ("actor",)
    list_filter = ("verb", "state")
    lookups = choice("verb") | choice("state")
    show_full_result_count = False

    @admin.display(description="items")
    def items_done(self, action: BulkAction) -> str:
        counts = bulk.outcomes(action)
        return f"{sum(counts.values()) - counts['waiting']:,} of {sum(counts.values()):,}"

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        may_act: bool = request.user.has_perm("operations.bulk_operation")
        return may_act or super().has_view_permission(request, obj)

    def get_urls(self) -> list[URLPattern]:
        def wrapped(view: Callable[..., Any]) -> Any:
            return self.admin_site.admin_view(view)

        name = "operations_bulkaction"
        return [
            path("<int:pk>/start/", wrapped(self.start_view), name=f"{name}_start"),
            path("<int:pk>/stop/", wrapped(self.stop_view), name=f"{name}_stop"),
            path("<int:pk>/report.csv", wrapped(self.csv_view), name=f"{name}_csv"),
            *super().get_urls(),
        ]

    def start_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if refusal := refuse_unless_post(request):
            return refusal
        action = self._acted_on(request, pk)
        started = bulk.start(
            action,
            spread_seconds=60 * _minutes(request.POST.get("spread_minutes", "")),
            when=_when(request.POST.get("when", "")),
            note=request.POST.get("note", "").strip(),
            leave_out_doubtful=request.POST.get("doubtful", "") == "leave",
        )
        if started and not living_workers(database_now()).exists():
            messages.warning(
                request,
                "Accepted and kept, but no worker is alive: nothing happens before one is started.",
            )
        if not started:
            messages.warning(request, "This action was started before.")
        return _page(action)

    def stop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if refusal := refuse_unless_post(request):
            return refusal
        action = self._acted_on(request, pk)
        if not bulk.stop(action):
            messages.warning(request, "This action had already ended.")
        return _page(action)

    def _acted_on(self, request: HttpRequest, pk: int) -> BulkAction:
        action = get_object_or_404(BulkAction, pk=pk)
        if not bulk.may(request.user, action.verb):
            raise PermissionDenied
        return action

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = dict(extra_context or {})
        action = self.get_object(request, object_id) if object_id.isdigit() else None
        if action is not None:
            context |= _context(request, action)
        response = super().change_view(request, object_id, form_url, context)
        if action is not None and action.state == BulkAction.State.RUNNING:
            # Live without JavaScript: the browser itself asks again.
            response.headers["Refresh"] = str(REFRESH_SECONDS)
        return response

    def csv_view(self, request: HttpRequest, pk: int) -> HttpResponse | StreamingHttpResponse:
        action = get_object_or_404(BulkAction, pk=pk)
        if not self.has_view_permission(request, action):
            raise PermissionDenied
        return csv_response(_csv_rows(action), filename=f"bulk-{action.pk}.csv")


def _context(request: HttpRequest, action: BulkAction) -> dict[str, Any]:
    is_draft = action.state == BulkAction.State.DRAFT
    context: dict[str, Any] = {
        "action": action,
        "past": PAST[action.verb],
        "may_act": bulk.may(request.user, action.verb),
        "list_url": reverse("admin:operations_operation_changelist"),
        "subtitle": None,
    }
    if is_draft:
        return context | {
            "title": f"{action.get_verb_display()}: confirm",
            "dry_run": bulk.dry_run(action),
        }
    return context | {"title": f"{action.get_verb_display()}: report"} | _report(request, action)


def _report(request: HttpRequest, action: BulkAction) -> dict[str, Any]:
    counts = bulk.outcomes(action)
    total = sum(counts.values())
    items = action.items.order_by("id")
    outcome = request.GET.get("outcome", "")
    if outcome in BulkItem.Outcome.values:
        items = items.filter(outcome=outcome)
    page = Paginator(items, ITEMS_PER_PAGE).get_page(request.GET.get("p"))
    operations = Operation.objects.in_bulk([item.operation_id for item in page])
    reasons = action.items.exclude(reason="").order_by()
    return {
        "counts": counts,
        "total": total,
        "done": total - counts["waiting"],
        "percent": round(100 * (total - counts["waiting"]) / total) if total else 100,
        "reasons": reasons.values_list("reason").annotate(n=Count("*")).order_by("-n"),
        "now_states": bulk.operations_of(action).values_list("status").annotate(n=Count("*")),
        "page": page,
        "rows": [(item, operations.get(item.operation_id)) for item in page],
        "outcome": outcome,
        "took": words.age(action.started_at, action.finished_at or timezone.now())
        if action.started_at
        else "",
        "spread": words.length(timedelta(seconds=action.spread_seconds))
        if action.spread_seconds
        else "",
    }


def _csv_rows(action: BulkAction) -> Iterator[Sequence[str]]:
    yield "operation", "outcome", "reason", "done_at"
    for item in by_key(action.items.all()):
        done_at = item.done_at.isoformat() if item.done_at else ""
        yield str(item.operation_id), item.outcome, item.reason, done_at


def _minutes(text: str) -> int:
    return min(int(text), LONGEST_SPREAD_MINUTES) if text.isdecimal() and len(text) < 6 else 0


def _when(text: str) -> str:
    return services.NOW if text == services.NOW else services.WHEN_POSSIBLE


def _page(action: BulkAction) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:operations_bulkaction_change", args=(action.pk,)))

"""Paused credentials with *probe* and *resume*, living workers, and who looked at content."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from operations import services
from operations.admin.lookups import choice, is_flag, is_text, period
from operations.admin.read_only import ReadOnlyAdmin, refuse_unless_post, refuse_without
from operations.models import ContentView, Operation, ProviderPause, WorkerHeartbeat
from operations.refusals import Refusal

RESUME = "operations.resume_provider"


@admin.register(ProviderPause)
class ProviderPauseAdmin(ReadOnlyAdmin):
    list_display = (
        "credential",
        "error_code",
        "paused_at",
        "probed_at",
        "resumed_at",
        "resumed_by",
        "waiting",
    )
    list_select_related = ("resumed_by",)
    list_filter = ("error_category", "resumed_at")
    lookups = {
        **choice("error_category"),
        **period("resumed_at"),
        "resumed_at__isnull": is_flag,
    }
    actions = ("resume_selected",)
    ordering = ("-paused_at",)

    @admin.display(description="waiting operations")
    def waiting(self, pause: ProviderPause) -> str:
        if pause.resumed_at is not None:
            return "–"
        url = reverse("admin:operations_operation_changelist")
        count = Operation.objects.filter(
            status=Operation.Status.PENDING, credential=pause.credential
        ).count()
        return format_html('<a href="{}?state=paused">{}</a>', url, count)

    @admin.action(description="Resume selected credentials", permissions=["resume"])
    def resume_selected(self, request: HttpRequest, chosen: QuerySet[ProviderPause]) -> None:
        actor = cast(AbstractUser, request.user)  # the admin lets nobody else in
        resumed = sum(
            services.resume_provider(credential=pause.credential, actor=actor) for pause in chosen
        )
        messages.success(request, f"Resumed: {resumed}.")

    def has_resume_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(RESUME)

    def get_urls(self) -> list[URLPattern]:
        def wrapped(view: Callable[..., HttpResponse]) -> Any:
            return self.admin_site.admin_view(view)

        return [
            path(
                "<int:pk>/probe/", wrapped(self.probe_view), name="operations_providerpause_probe"
            ),
            path(
                "<int:pk>/resume/",
                wrapped(self.resume_view),
                name="operations_providerpause_resume",
            ),
            *super().get_urls(),
        ]

    def probe_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send one waiting operation: if the provider takes it, all the others follow."""
        return self._run(request, pk, self._probe)

    def resume_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._run(request, pk, self._resume)

    def _run(
        self, request: HttpRequest, pk: int, verb: Callable[[HttpRequest, ProviderPause], None]
    ) -> HttpResponse:
        if refusal := refuse_unless_post(request):
            return refusal
        refuse_without(request, RESUME)
        verb(request, get_object_or_404(ProviderPause, pk=pk))
        return HttpResponseRedirect(reverse("admin:operations_operation_changelist"))

    def _probe(self, request: HttpRequest, pause: ProviderPause) -> None:
        try:
            services.probe_provider(credential=pause.credential)
        except Refusal as refusal:
            messages.warning(request, str(refusal))
        else:
            messages.success(
                request,
                "The oldest waiting operation is sent as a probe. If the provider takes it, the"
                " credential is resumed by itself; else the pause stays.",
            )

    def _resume(self, request: HttpRequest, pause: ProviderPause) -> None:
        actor = cast(AbstractUser, request.user)
        if services.resume_provider(credential=pause.credential, actor=actor):
            messages.success(request, "Resumed: its waiting operations are sent now.")
        else:
            messages.warning(request, "It was resumed before.")


@admin.register(WorkerHeartbeat)
class WorkerHeartbeatAdmin(ReadOnlyAdmin):
    lookups = {}
    list_display = ("hostname", "pid", "in_flight", "accepts_work", "started_at", "beat_at")


@admin.register(ContentView)
class ContentViewAdmin(ReadOnlyAdmin):
    """Who read what a candidate wrote, and when."""

    list_display = ("at", "actor", "subject_type", "subject_id")
    list_select_related = ("actor",)
    list_filter = ("at", "subject_type")
    lookups = period("at") | {"subject_type": is_text}
    search_fields = ("actor__username", "subject_id")
    show_full_result_count = False

"""Pauses with *probe* and *resume*, living workers, and who looked at content."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from operations import services
from operations.admin.columns import paused_by_hand
from operations.admin.lookups import choice, is_flag, is_text, is_uuid, period
from operations.admin.read_only import ReadOnlyAdmin, refuse_unless_post, refuse_without
from operations.console import counts
from operations.models import (
    ContentView,
    Door,
    ProviderCapability,
    ProviderContact,
    ProviderPause,
    ProviderRate,
    WorkerHeartbeat,
)
from operations.pauses import pausable_kinds
from operations.refusals import Refusal

RESUME = "operations.resume_provider"


def _waiting_column() -> Callable[[ProviderPause], str]:
    """Counted once for all rows of a list."""

    @functools.cache
    def counted() -> dict[int, int]:
        return {each.pause.pk: each.waiting for each in counts.paused_now()}

    @admin.display(description="waiting operations")
    def waiting(pause: ProviderPause) -> str:
        if pause.resumed_at is not None:
            return "–"
        url = reverse("admin:operations_operation_changelist")
        return format_html('<a href="{}?state=paused">{}</a>', url, counted().get(pause.pk, 0))

    return waiting


@admin.register(ProviderPause)
class ProviderPauseAdmin(ReadOnlyAdmin):
    document = "operating#repair"
    list_display = (
        "what",
        "error_code",
        "reason",
        "paused_at",
        "probed_at",
        "resumed_at",
    )
    list_filter = ("error_category", "resumed_at")
    lookups = {
        **choice("error_category"),
        **period("resumed_at"),
        "resumed_at__isnull": is_flag,
    }
    actions = ("resume_selected",)
    ordering = ("-paused_at",)

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        return (*self.list_display, _waiting_column())

    @admin.action(description="Resume selected", permissions=["resume"])
    def resume_selected(self, request: HttpRequest, chosen: QuerySet[ProviderPause]) -> None:
        actor = cast(AbstractUser, request.user)  # the admin lets nobody else in
        resumed = sum(
            services.resume_provider(credential=pause.credential, kind=pause.kind, actor=actor)
            for pause in chosen
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
            path("pause/", wrapped(self.pause_view), name="operations_providerpause_pause"),
            *super().get_urls(),
        ]

    @admin.display(description="what", ordering="credential")
    def what(self, pause: ProviderPause) -> str:
        return paused_by_hand(pause) or pause.credential

    def pause_view(self, request: HttpRequest) -> HttpResponse:
        """Hold back everything, or one kind, with a reason."""
        if refusal := refuse_unless_post(request):
            return refusal
        refuse_without(request, RESUME)
        reason = request.POST.get("reason", "").strip()
        kind = request.POST.get("kind", "")
        actor = cast(AbstractUser, request.user)
        if not reason or kind not in ("", *pausable_kinds()):
            messages.warning(request, "Not paused: a reason is needed, and a kind that there is.")
        elif services.pause_provider(kind=kind, actor=actor, reason=reason):
            messages.success(request, "Paused: nothing of it is sent until it is resumed.")
        else:
            messages.warning(request, "It was paused before.")
        return HttpResponseRedirect(_back(request))

    def probe_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a tiny call: if the provider takes it, what waits follows."""
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
        return HttpResponseRedirect(_back(request))

    def _probe(self, request: HttpRequest, pause: ProviderPause) -> None:
        try:
            services.probe_provider(credential=pause.credential, door=Door.ADMIN)
        except Refusal as refusal:
            messages.warning(request, str(refusal))
        else:
            messages.success(
                request,
                "A tiny call is sent as a probe. If the provider takes it, what waits is sent too,"
                " few at first; else the pause stays.",
            )

    def _resume(self, request: HttpRequest, pause: ProviderPause) -> None:
        actor = cast(AbstractUser, request.user)
        resumed = services.resume_provider(
            credential=pause.credential, kind=pause.kind, actor=actor
        )
        if resumed:
            messages.success(request, "Resumed: its waiting operations are sent now.")
        else:
            messages.warning(request, "It was resumed before.")


def _back(request: HttpRequest) -> str:
    """To the operation that it was asked from, else to the list."""
    operation = request.POST.get("operation", "")
    if is_uuid(operation):
        return reverse("admin:operations_operation_change", args=(operation,))
    return reverse("admin:operations_operation_changelist")


@admin.register(ProviderCapability)
class ProviderCapabilityAdmin(ReadOnlyAdmin):
    """The simpler forms that servers were found to take."""

    document = "operating#a-provider-that-is-not-openai"
    lookups = {}
    list_display = ("credential", "model", "rung", "left_out", "learned_at", "expires_at")


@admin.register(ProviderRate)
class ProviderRateAdmin(ReadOnlyAdmin):
    """What the providers' rate limits are, as their answers and refusals have told."""

    document = "operating#rate-limits"
    lookups = {}
    list_display = (
        "credential",
        "requests_limit",
        "tokens_limit",
        "starts",
        "waits_until",
        "learned_at",
        "expires_at",
    )

    @admin.display(description="starts a second", ordering="starts_per_second")
    def starts(self, rate: ProviderRate) -> str:
        return "–" if rate.starts_per_second is None else f"{rate.starts_per_second:.2f}"


@admin.register(ProviderContact)
class ProviderContactAdmin(ReadOnlyAdmin):
    """What `manage.py doctor --provider` said the last time."""

    document = "operating#a-provider-that-is-not-openai"
    lookups = {}
    list_display = ("credential", "model", "at", "lines")

    @admin.display(description="report")
    def lines(self, contact: ProviderContact) -> str:
        rows = (
            (each["result"], each["check"], each["found"], each["remedy"])
            for each in contact.report
        )
        return format_html_join(mark_safe("<br>"), "{} {}: {} {}", rows)


@admin.register(WorkerHeartbeat)
class WorkerHeartbeatAdmin(ReadOnlyAdmin):
    document = "architecture#workers"
    lookups = {}
    list_display = ("hostname", "pid", "in_flight", "accepts_work", "started_at", "beat_at")


@admin.register(ContentView)
class ContentViewAdmin(ReadOnlyAdmin):
    """Who read what a candidate wrote, and when."""

    document = "operating#who-may-do-what"
    list_display = ("at", "actor", "subject_type", "subject_id")
    list_select_related = ("actor",)
    list_filter = ("at", "subject_type")
    lookups = period("at") | {"subject_type": is_text}
    search_fields = ("actor__username", "subject_id")
    show_full_result_count = False

"""Who has been told to wait, and why: sign-ins, sign-ups, tokens, files, starts."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from operations import limits
from operations.admin.lookups import is_flag, is_text, period
from operations.admin.read_only import ReadOnlyAdmin
from operations.models import Limit

CLEAR = "operations.clear_limit"


@admin.register(Limit)
class LimitAdmin(ReadOnlyAdmin):
    """Limits that somebody has met. Whom a digest stands for shows on the page of a person."""

    document = "operating#limits"
    list_display = ("refused_at", "what", "refusals", "next_try_at", "digest")
    list_filter = ("rule", "refused_at")
    lookups = {"rule": is_text, **period("refused_at"), "refused_at__isnull": is_flag}
    ordering = ("-refused_at",)
    actions = ("let_try_again",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Limit]:
        met: QuerySet[Limit] = super().get_queryset(request).exclude(refused_at=None)
        return met

    @admin.display(description="limit of")
    def what(self, limit: Limit) -> str:
        return limits.RULES[limit.rule].what if limit.rule in limits.RULES else limit.rule

    @admin.display(description="next try")
    def next_try_at(self, limit: Limit) -> str:
        wait = limits.wait_of(limit)
        if wait <= 0:
            return "now"
        return f"{timezone.now() + timedelta(seconds=wait):%H:%M:%S} UTC"

    @admin.display(description="of whom (digest)")
    def digest(self, limit: Limit) -> str:
        return limit.key.partition(":")[2][: limits.SHOWN_DIGITS]

    @admin.action(description="Let them try again at once", permissions=["clear"])
    def let_try_again(self, request: HttpRequest, chosen: QuerySet[Limit]) -> None:
        messages.success(request, f"Limits cleared: {chosen.update(used_until=0)}.")

    def has_clear_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(CLEAR)

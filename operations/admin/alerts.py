"""What was wrong and is, and who was told: to look at, because alerts close by themselves."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from operations.admin.lookups import is_flag, is_text, period
from operations.admin.read_only import ReadOnlyAdmin
from operations.console.conditions import remedy_of
from operations.console.telling import told_words
from operations.models import Alert


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    document = "operating#who-is-told"
    list_display = ("opened_at", "condition", "subject", "text", "told", "resolved_at")
    list_filter = ("resolved_at", "condition")
    lookups = {
        "condition": is_text,
        **period("resolved_at"),
        "resolved_at__isnull": is_flag,
    }
    ordering = ("-opened_at",)
    show_full_result_count = False
    readonly_fields = ("told", "remedy")

    @admin.display(description="who was told")
    def told(self, alert: Alert) -> str:
        return told_words(alert)

    @admin.display(description="what to do")
    def remedy(self, alert: Alert) -> Any:
        return remedy_of(alert.condition)

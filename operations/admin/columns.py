"""The columns of the list of operations, and the words that they share with the page of one."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from operations.admin import words
from operations.database.states import state_of
from operations.kinds import words_of
from operations.models import Operation, ProviderPause
from operations.pauses import BY_HAND


class OperationColumns:
    columns = (
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


def state_with_text(operation: Operation, now: datetime) -> tuple[str, str]:
    state = state_of(operation)
    paused_by = getattr(operation, "paused_by", None) or ""  # annotated in get_queryset
    return state, words.state_text(operation, state, paused_by=paused_by, now=now)


def kind_label(name: str) -> str:
    return str(words_of(name).label or name)


def paused_by_hand(pause: ProviderPause) -> str:
    """What an operator holds back; empty where the provider refused."""
    if pause.error_code != BY_HAND:
        return ""
    return kind_label(pause.kind) if pause.kind else pause.credential or "Everything"

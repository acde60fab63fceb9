"""What the templates say in words: statuses, criteria, reasons, and the card of an operation."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from interview_app.delivery import Spoken, delivery_of
from interview_app.models import Answer
from interview_app.rubric import criterion_name, name_of_key
from interview_app.scorability import NO_WORDS, NOT_SCORABLE, TOO_SHORT
from operations.kinds import words_of
from operations.models import Operation
from operations.queries import (
    ahead_of,
    is_retryable,
    operation_action,
    operation_happened,
    operation_next_step,
    possible_when,
    waiting,
)

register = template.Library()

SLOW_AFTER = timedelta(seconds=15)

SESSION_STATUS = {
    "preparing": _("Preparing questions"),
    "ready": _("Ready"),
    "in_progress": _("In progress"),
    "finishing": _("Writing the summary"),
    "finished": _("Finished"),
    "needs_attention": _("Needs attention"),
}
NOT_SCORED = {
    TOO_SHORT: _("It is too short to be judged: a few sentences are needed."),
    NO_WORDS: _("It holds no words that could be judged."),
    NOT_SCORABLE: _("There is too little in it that could be judged."),
}
RESPONSE_TYPES = {
    "story": _("You told a story: one event, in order."),
    "pseudo_story": _("You described how it usually goes, not one case."),
    "example": _("You named an example without telling it."),
    "opinion": _("You gave an opinion, not something you did."),
    "self_description": _("You described yourself, not something you did."),
}


@register.filter
def usd_words(amount: Decimal | None) -> str:
    """An amount of US dollars as people say it."""
    if amount is None:
        return gettext("price unknown")
    if 0 < amount < Decimal("0.01"):
        return gettext("less than %(amount)s USD") % {
            "amount": formats.number_format(Decimal("0.01"))
        }
    return gettext("%(amount)s USD") % {"amount": formats.number_format(amount, decimal_pos=2)}


@register.filter
def about(number: int) -> str:
    """To two digits: what is guessed or summed up needs no more."""
    step = 10 ** max(0, len(str(number)) - 2)
    return formats.number_format(round(number / step) * step, force_grouping=True)


@register.inclusion_tag("interview_app/_operation.html")
def operation_card(operation: Operation | None, saved_at: datetime | None = None) -> dict[str, Any]:
    """The state of one AI call and what the person can do about it; nothing once it completed."""
    if operation is None or operation.status == Operation.Status.COMPLETED:
        return {"operation": None}
    card: dict[str, Any] = {"operation": operation, "saved_at": saved_at}
    if not operation.is_final:
        return {**card, **_at_work(operation)}
    if operation.status == Operation.Status.CANCELLED:
        return {**card, "stopped": words_of(operation.kind).stopped}
    return {**card, **_failure(operation)}


def _at_work(operation: Operation) -> dict[str, Any]:
    reason = waiting(operation)
    is_backing_off = reason is not None and reason.reason == Operation.Waiting.BACKOFF
    is_in_line = reason is not None and reason.reason == Operation.Waiting.QUEUED
    # One that waits for a named time is not slow: it was told when it goes on.
    is_scheduled = reason is not None and reason.until is not None and not is_backing_off
    return {
        "at_work": words_of(operation.kind).at_work,
        "waiting": reason,
        "is_backing_off": is_backing_off,
        "is_scheduled": is_scheduled,
        "ahead": ahead_of(operation) if is_in_line else 0,
        "since": operation.started_at or operation.queued_at,
        # While it backs off, the one that comes next.
        "tries": operation.run_attempts + is_backing_off,
        "tries_possible": 1 + settings.OPERATIONS_MAX_RETRIES,
        "is_slow": not is_scheduled and timezone.now() - operation.queued_at > SLOW_AFTER,
    }


def _failure(operation: Operation) -> dict[str, Any]:
    return {
        "happened": operation_happened(operation),
        "saved": words_of(operation.kind).saved,
        "next_step": operation_next_step(operation),
        "action": operation_action(operation),
        "retryable": is_retryable(operation),
        "possible": possible_when(operation),
    }


@register.inclusion_tag("interview_app/_delivery.html")
def delivery_facts(answer: Answer, language: str) -> dict[str, Any]:
    spoken = None
    if answer.spoken_seconds and answer.spoken_words:
        spoken = Spoken(answer.spoken_seconds, answer.spoken_words)
    facts = delivery_of(answer.text, language=language, spoken=spoken)
    return {"facts": facts, "language": language}


@register.filter
def minutes(seconds: int) -> str:
    """As the page's script writes it: 45 s, 4:05 min."""
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60}:{seconds % 60:02} min"


@register.filter
def change_words(change: Decimal | None) -> str:
    """A difference of scores with its sign: +0.5, in German +0,5."""
    if change is None:
        return ""
    sign = "+" if change > 0 else ""
    return sign + formats.number_format(change, decimal_pos=1)


@register.filter
def status_words(status: str) -> Any:
    return SESSION_STATUS[status]


@register.filter
def not_scored_words(reason: str) -> Any:
    return NOT_SCORED.get(reason, NOT_SCORED[NOT_SCORABLE])


@register.filter
def response_type_words(response_type: str) -> Any:
    return RESPONSE_TYPES.get(response_type, "")


@register.filter
def criterion_words(criterion: dict[str, Any]) -> str:
    return criterion_name(criterion)


@register.filter
def criterion_of(fix: dict[str, Any], criteria: list[dict[str, Any]]) -> str:
    """What a fix would raise, in the words of the result's rubric."""
    return name_of_key(fix["criterion"], criteria)


@register.filter
def score_words(value: Decimal | float | None) -> str:
    """One decimal as the reader writes it: 3.4, in German 3,4."""
    return "" if value is None else formats.number_format(value, decimal_pos=1)


@register.filter
def score(value: Decimal | float | None) -> str:
    """One decimal as a program reads it: 3.4."""
    return "" if value is None else f"{value:.1f}"


@register.filter
def clock(moment: datetime) -> SafeString:
    """The time of day, in UTC; the page's script turns it into the reader's own."""
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" data-clock>{}</time>',
        local.isoformat(timespec="seconds"),
        local.strftime("%H:%M:%S %Z"),
    )


@register.filter
def control(field: BoundField) -> SafeString:
    """The field's widget, tied to its help and its errors for those who listen to the page."""
    described_by = [f"{field.id_for_label}_help"] if field.help_text else []
    attributes: dict[str, Any] = {}
    if field.errors:
        described_by.append(f"{field.id_for_label}_errors")
        attributes["aria-invalid"] = "true"
    if described_by:
        attributes["aria-describedby"] = " ".join(described_by)
    return field.as_widget(attrs=attributes)

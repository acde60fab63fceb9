"""What a person is told about a code: the sentences of its texts put together."""

from __future__ import annotations

import math
from datetime import datetime

from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from operations.errors.rules import Advice, rule_of
from operations.errors.texts import SAVED, Telling, as_told


def error_message(
    code: str,
    *,
    own_key: bool = False,
    retry_after_at: datetime | None = None,
    lead: str = "",
    telling: Telling = Telling.TOLD,
) -> str:
    """What happened, that nothing is lost, what happens next, what to do; in the active language.

    `lead` is the kind's start of the sentence, "We could not prepare your questions".
    """
    happened = error_happened(code, own_key=own_key, lead=lead)
    next_step = error_next_step(code, own_key=own_key, telling=telling)
    action = error_action(code, own_key=own_key, retry_after_at=retry_after_at)
    return f"{happened} {SAVED} {next_step} {action}"


def error_happened(code: str, *, own_key: bool = False, lead: str = "") -> str:
    """The first part of the message alone: what happened."""
    text = rule_of(code).text
    happened = str((own_key and text.own_happened) or text.happened)
    if lead:
        return _("%(lead)s: %(happened)s.") % {"lead": lead, "happened": happened}
    return f"{capfirst(happened)}."


def error_next_step(code: str, *, own_key: bool = False, telling: Telling = Telling.TOLD) -> str:
    """The third part of the message alone: what happens next without the person."""
    text = rule_of(code).text
    return str(as_told((own_key and text.own_next_step) or text.next_step, telling))


def error_action(
    code: str, *, own_key: bool = False, retry_after_at: datetime | None = None
) -> str:
    """What the person can do, in the active language."""
    rule = rule_of(code)
    if rule.advice is Advice.LATER and retry_after_at is not None:
        return _try_again_at(retry_after_at)
    return str((own_key and rule.text.own_action) or rule.text.action)


def _try_again_at(moment: datetime) -> str:
    seconds = math.ceil((moment - timezone.now()).total_seconds())
    if seconds <= 0:
        return _("You can try again now.")
    return _("You can try again in %(wait)s.") % {"wait": duration_text(seconds)}


def duration_text(seconds: int) -> str:
    """Rounded up, in the largest unit that is not misleading: "40 seconds", "3 minutes"."""
    if seconds <= 90:
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    minutes = math.ceil(seconds / 60)
    if minutes <= 90:
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    hours = math.ceil(minutes / 60)
    return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}

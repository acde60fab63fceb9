"""Checks of what a person typed, before it is stored word for word.

Every check raises `ValidationError` under the field's name, so that a form, the API and a command
can point to the same field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def check_text(field: str, text: str, *, max_length: int, required: bool = False) -> str:
    """`text` itself, unchanged, if it can be stored."""
    if required and not text.strip():
        raise field_error(field, "required", _("This field is required."))
    if len(text) > max_length:
        raise field_error(
            field,
            "max_length",
            _("At most %(limit)s characters are possible; this has %(length)s.")
            % {"limit": max_length, "length": len(text)},
        )
    check_characters(field, text)
    return text


def check_characters(field: str, text: str) -> None:
    # PostgreSQL text cannot hold NUL, and UTF-8 cannot hold half a surrogate pair.
    if "\x00" in text:
        raise field_error(
            field, "null_characters_not_allowed", _("The text contains a NUL character.")
        )
    if LONE_SURROGATE.search(text):
        raise field_error(
            field,
            "surrogate_characters_not_allowed",
            _("The text contains half of a character (a lone surrogate). Please paste it again."),
        )


def check_choice(field: str, value: str, choices: Iterable[str]) -> str:
    allowed = list(choices)
    if value not in allowed:
        raise field_error(
            field,
            "invalid_choice",
            _("Choose one of: %(choices)s.") % {"choices": ", ".join(allowed)},
        )
    return value


def check_number(field: str, value: int, *, low: int, high: int) -> int:
    if not low <= value <= high:
        raise field_error(
            field,
            "out_of_range",
            _("Choose a number from %(low)s to %(high)s.") % {"low": low, "high": high},
        )
    return value


def field_error(field: str, code: str, message: str) -> ValidationError:
    return ValidationError({field: [ValidationError(message, code=code)]})

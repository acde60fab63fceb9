"""What can go wrong with an AI call: a closed set of codes, one row of RULES for each.

The retry policy, the pages, the admin, docs/errors.md and the README's table all read RULES. Which
answer of a provider gets which code is decided in `operations.openai_service.classify`, not here.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum

from operations.errors.remedies import REMEDIES
from operations.errors.texts import TEXTS, Text


class Category(StrEnum):
    """Closed and safe as a metric label: no text of a provider ever becomes one."""

    NETWORK = "network"
    AUTHENTICATION = "authentication"
    RATE_LIMIT = "rate_limit"
    QUOTA_EXCEEDED = "quota_exceeded"
    SERVER_ERROR = "server_error"
    INVALID_RESPONSE = "invalid_response"
    CONTENT_BLOCKED = "content_blocked"
    INVALID_REQUEST = "invalid_request"
    INTERNAL = "internal"


CATEGORY_CHOICES: list[tuple[str, str]] = [(c.value, c.value) for c in Category]


class Advice(StrEnum):
    """What helps after the failure."""

    AUTO = "auto"
    """Asked again automatically; by a person when that is used up."""
    LATER = "later"
    """A new try makes sense after `retry_after`."""
    USER = "user"
    """A new sample may differ: the person may try again at once."""
    FIX_INPUT = "fix_input"
    """The person must change the text first."""
    OPERATOR = "operator"
    """The set-up (or the owner's own key) must be mended first."""


@dataclass(frozen=True)
class Rule:
    """Everything that is decided once per error code."""

    code: str
    category: Category
    advice: Advice
    log_level: int
    retried: bool
    """Asked again automatically, within the run's budget."""
    retryable: bool
    """Advice to a person: False where the input or the set-up must change first."""
    pauses: bool
    """Stops everything else that uses the same credential until somebody mends it."""
    tells_admin: bool
    """The text says that the administrator has been told, so somebody must tell."""
    text: Text
    remedy: str
    """For the operator: English, technical, shown in the admin and in docs/errors.md."""


def _rule(
    code: str,
    category: Category,
    advice: Advice,
    log_level: int,
    *,
    pauses: bool = False,
    tells_admin: bool | None = None,
) -> Rule:
    needs_operator = advice is Advice.OPERATOR
    return Rule(
        code=code,
        category=category,
        advice=advice,
        log_level=log_level,
        retried=advice is Advice.AUTO,
        retryable=advice in (Advice.AUTO, Advice.LATER, Advice.USER),
        pauses=pauses,
        tells_admin=needs_operator if tells_admin is None else tells_admin,
        text=TEXTS[code],
        remedy=REMEDIES[code],
    )


_NETWORK = Category.NETWORK
_AUTH = Category.AUTHENTICATION
_QUOTA = Category.QUOTA_EXCEEDED
_RESPONSE = Category.INVALID_RESPONSE
_REQUEST = Category.INVALID_REQUEST
_AUTO, _LATER, _USER, _FIX, _OPERATOR = (
    Advice.AUTO,
    Advice.LATER,
    Advice.USER,
    Advice.FIX_INPUT,
    Advice.OPERATOR,
)
_INFO, _WARNING, _ERROR = logging.INFO, logging.WARNING, logging.ERROR

RULES: dict[str, Rule] = {
    rule.code: rule
    for rule in (
        _rule("NETWORK_ERROR", _NETWORK, _AUTO, _WARNING),
        _rule("TIMEOUT", _NETWORK, _AUTO, _WARNING),
        _rule("TLS_ERROR", _NETWORK, _OPERATOR, _ERROR),
        _rule("PROXY_ERROR", _NETWORK, _OPERATOR, _ERROR),
        _rule("REDIRECT_ERROR", _NETWORK, _OPERATOR, _ERROR),
        _rule("SERVER_ERROR", Category.SERVER_ERROR, _AUTO, _WARNING),
        _rule("RATE_LIMIT_EXCEEDED", Category.RATE_LIMIT, _LATER, _WARNING),
        _rule("SLOW_DOWN", Category.RATE_LIMIT, _LATER, _WARNING),
        _rule("QUOTA_EXCEEDED", _QUOTA, _OPERATOR, _ERROR, pauses=True),
        _rule("SPEND_LIMIT_REACHED", _QUOTA, _OPERATOR, _ERROR, pauses=True),
        _rule("BILLING_INACTIVE", _QUOTA, _OPERATOR, _ERROR, pauses=True),
        # Never of a call: what was asked for while a budget was used up is not sent at all.
        _rule("BUDGET_REACHED", _QUOTA, _OPERATOR, _ERROR, tells_admin=False),
        _rule("USER_BUDGET_REACHED", _QUOTA, _OPERATOR, _ERROR, tells_admin=False),
        _rule("INVALID_API_KEY", _AUTH, _OPERATOR, _ERROR, pauses=True),
        # Without a key there is no credential that could be paused.
        _rule("API_KEY_NOT_CONFIGURED", _AUTH, _OPERATOR, _ERROR),
        _rule("PERMISSION_DENIED", _AUTH, _OPERATOR, _ERROR, pauses=True),
        _rule("ORGANIZATION_ERROR", _AUTH, _OPERATOR, _ERROR, pauses=True),
        _rule("REGION_NOT_SUPPORTED", _AUTH, _OPERATOR, _ERROR, pauses=True),
        _rule("ACCOUNT_DEACTIVATED", _AUTH, _OPERATOR, _ERROR, pauses=True),
        _rule("INVALID_RESPONSE", _RESPONSE, _USER, _ERROR),
        _rule("EMPTY_RESPONSE", _RESPONSE, _USER, _ERROR),
        _rule("TRUNCATED_RESPONSE", _RESPONSE, _USER, _WARNING),
        _rule("SCHEMA_MISMATCH", _RESPONSE, _USER, _WARNING),
        _rule("UNEXPECTED_TOOL_CALL", _RESPONSE, _USER, _WARNING),
        _rule("RESPONSE_TOO_LARGE", _RESPONSE, _USER, _ERROR),
        _rule("CONTENT_FILTERED", Category.CONTENT_BLOCKED, _FIX, _INFO),
        _rule("REFUSED", Category.CONTENT_BLOCKED, _FIX, _INFO),
        _rule("INVALID_REQUEST", _REQUEST, _OPERATOR, _ERROR),
        _rule("INVALID_SCHEMA", _REQUEST, _OPERATOR, _ERROR),
        _rule("REQUEST_TOO_LARGE", _REQUEST, _FIX, _WARNING),
        _rule("MODEL_NOT_FOUND", _REQUEST, _OPERATOR, _ERROR),
        _rule("ENDPOINT_NOT_FOUND", _REQUEST, _OPERATOR, _ERROR),
        _rule("CONTEXT_LENGTH_EXCEEDED", _REQUEST, _FIX, _WARNING),
        _rule("PAYLOAD_TOO_LARGE", _REQUEST, _FIX, _WARNING),
        _rule("CONFLICT", _REQUEST, _USER, _WARNING),
        _rule("INTERNAL_ERROR", Category.INTERNAL, _USER, _ERROR, tells_admin=True),
        _rule("WORKER_LOST", Category.INTERNAL, _USER, _ERROR, tells_admin=True),
        _rule("DEADLINE_EXCEEDED", Category.INTERNAL, _USER, _ERROR),
        _rule("EXPIRED", Category.INTERNAL, _USER, _WARNING),
    )
}


def rule_of(code: str) -> Rule:
    """A row written by another release may hold a code this one does not know."""
    return RULES.get(code, RULES["INTERNAL_ERROR"])


def category_of(code: str) -> Category:
    return rule_of(code).category

"""What can go wrong with an AI call: a closed set of codes, one row of RULES for each.

The retry policy, the pages, the admin, docs/errors.md and the README's table all read RULES. Which
answer of a provider gets which code is decided in `operations.openai_service.classify`, not here.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from operations.error_texts import SAVED, TEXTS, Text


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


@dataclass(frozen=True)
class Usage:
    """What a call consumed. `cost_usd` is None where the price is unknown, never 0 for unknown."""

    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    model: str


class OpenAIServiceError(Exception):
    """A failed AI call: code, category, a sentence for a person. The original is `__cause__`.

    It survives pickling and copying with its fields but without the cause, because exceptions of
    the SDK cannot be pickled and hold the key and the whole prompt.
    """

    default_code: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(
        self,
        error_code: str = "",
        *,
        http_status: int | None = None,
        provider_request_id: str = "",
        retry_after: float | None = None,
        retry_vetoed: bool = False,
        pauses: bool | None = None,
        detail: str = "",
        usage: Usage | None = None,
        maybe_processed: bool = True,
    ) -> None:
        """`retry_after`: seconds the provider asks for. `retry_vetoed`: it said not to ask again.
        `pauses`: False where the verdict rests on message text alone; None leaves it to the rule.
        `detail`: masked technical text for the operator. `maybe_processed`: the provider may have
        done the work, so asking again may be paid twice."""
        self.error_code = error_code or self.default_code
        if type(self) is not OpenAIServiceError and not isinstance(self, self.rule.exception):
            raise ValueError(f"{self.error_code} is no {type(self).__name__}")
        self.http_status = http_status
        self.provider_request_id = provider_request_id
        self.retry_after = retry_after
        self.retry_vetoed = retry_vetoed
        self.pauses = pauses
        self.detail = detail
        self.usage = usage
        self.maybe_processed = maybe_processed
        super().__init__(self.error_code)

    @property
    def rule(self) -> Rule:
        return RULES[self.error_code]

    @property
    def category(self) -> Category:
        return self.rule.category

    @property
    def message(self) -> str:
        """For a person, in the active language; never text of the provider."""
        return error_message(self.error_code, retry_after_at=self._retry_after_at())

    @property
    def retried(self) -> bool:
        """Whether this failure is asked again automatically."""
        return self.rule.retried and not self.retry_vetoed

    @property
    def pauses_credential(self) -> bool:
        return self.rule.pauses and self.pauses is not False

    def _retry_after_at(self) -> datetime | None:
        if self.retry_after is None:
            return None
        return timezone.now() + timedelta(seconds=self.retry_after)

    def __str__(self) -> str:
        status = f" (HTTP {self.http_status})" if self.http_status else ""
        return f"{self.error_code}{status}" + (f": {self.detail}" if self.detail else "")

    def __reduce__(self) -> tuple[Any, ...]:
        return error_from_code, (self.error_code, type(self)), self.__dict__.copy()


class NetworkError(OpenAIServiceError):
    default_code = "NETWORK_ERROR"


class AuthenticationError(OpenAIServiceError):
    default_code = "INVALID_API_KEY"


class RateLimitError(OpenAIServiceError):
    default_code = "RATE_LIMIT_EXCEEDED"


class QuotaExceededError(OpenAIServiceError):
    default_code = "QUOTA_EXCEEDED"


class ServerError(OpenAIServiceError):
    default_code = "SERVER_ERROR"


class InvalidResponseError(OpenAIServiceError):
    default_code = "INVALID_RESPONSE"


class ContentBlockedError(OpenAIServiceError):
    default_code = "CONTENT_FILTERED"


class InvalidRequestError(OpenAIServiceError):
    default_code = "INVALID_REQUEST"


class InternalError(OpenAIServiceError):
    default_code = "INTERNAL_ERROR"


EXCEPTIONS: dict[Category, type[OpenAIServiceError]] = {
    Category.NETWORK: NetworkError,
    Category.AUTHENTICATION: AuthenticationError,
    Category.RATE_LIMIT: RateLimitError,
    Category.QUOTA_EXCEEDED: QuotaExceededError,
    Category.SERVER_ERROR: ServerError,
    Category.INVALID_RESPONSE: InvalidResponseError,
    Category.CONTENT_BLOCKED: ContentBlockedError,
    Category.INVALID_REQUEST: InvalidRequestError,
    Category.INTERNAL: InternalError,
}


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

    @property
    def exception(self) -> type[OpenAIServiceError]:
        return EXCEPTIONS[self.category]

    @property
    def remedy(self) -> str:
        return self.text.remedy


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


def error_from_code(
    code: str, exception: type[OpenAIServiceError] | None = None, **fields: Any
) -> OpenAIServiceError:
    """The error of the class that belongs to the code, with the fields of `OpenAIServiceError`."""
    return (exception or RULES[code].exception)(code, **fields)


def error_message(
    code: str, *, own_key: bool = False, retry_after_at: datetime | None = None, lead: str = ""
) -> str:
    """What happened, that nothing is lost, what happens next, what to do; in the active language.

    `lead` is the kind's start of the sentence, "We could not prepare your questions".
    """
    happened = error_happened(code, own_key=own_key, lead=lead)
    next_step = error_next_step(code, own_key=own_key)
    action = error_action(code, own_key=own_key, retry_after_at=retry_after_at)
    return f"{happened} {SAVED} {next_step} {action}"


def error_happened(code: str, *, own_key: bool = False, lead: str = "") -> str:
    """The first part of the message alone: what happened."""
    text = rule_of(code).text
    happened = str((own_key and text.own_happened) or text.happened)
    if lead:
        return _("%(lead)s: %(happened)s.") % {"lead": lead, "happened": happened}
    return f"{capfirst(happened)}."


def error_next_step(code: str, *, own_key: bool = False) -> str:
    """The third part of the message alone: what happens next without the person."""
    text = rule_of(code).text
    return str((own_key and text.own_next_step) or text.next_step)


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

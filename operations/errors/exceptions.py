"""The exception of each category: what an AI call raises, with what the provider said about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django.utils import timezone

from operations.errors.messages import error_message
from operations.errors.rules import RULES, Category, Rule


@dataclass(frozen=True)
class Usage:
    """What a call consumed. `cost_usd` is None where the price is unknown, never 0 for unknown."""

    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    model: str


@dataclass(frozen=True)
class RateLimit:
    """What an answer says of one rate limit of its key: how much there is, how much of it is left,
    and in how many seconds all of it is back. `name`: "requests", "tokens", "tokens-day"."""

    name: str
    limit: float
    remaining: float
    reset_seconds: float

    @property
    def in_tokens(self) -> bool:
        return "token" in self.name


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
        if type(self) is not OpenAIServiceError and not isinstance(
            self, EXCEPTIONS[self.rule.category]
        ):
            raise ValueError(f"{self.error_code} is no {type(self).__name__}")
        self.http_status = http_status
        self.provider_request_id = provider_request_id
        self.retry_after = retry_after
        self.retry_vetoed = retry_vetoed
        self.pauses = pauses
        self.detail = detail
        self.usage = usage
        self.maybe_processed = maybe_processed
        self.lesson: Any = None
        """`capabilities.Lesson` of a refusal that was about the form of the request."""
        self.rate_limits: tuple[RateLimit, ...] = ()
        """Of the rate limits that the answer told of."""
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


def error_from_code(
    code: str, exception: type[OpenAIServiceError] | None = None, **fields: Any
) -> OpenAIServiceError:
    """The error of the class that belongs to the code, with the fields of `OpenAIServiceError`."""
    return (exception or EXCEPTIONS[RULES[code].category])(code, **fields)

"""What can go wrong with an AI call, and what is said about it.

`rules`: a row for each code. `texts`: the sentences for a person, put together by `messages`.
`remedies`: the sentences for an operator. `exceptions`: what a call raises. `reference`: the tables
of docs/errors.md.
"""

from operations.errors.exceptions import (
    EXCEPTIONS,
    AuthenticationError,
    ContentBlockedError,
    InternalError,
    InvalidRequestError,
    InvalidResponseError,
    NetworkError,
    OpenAIServiceError,
    QuotaExceededError,
    RateLimit,
    RateLimitError,
    ServerError,
    Usage,
    error_from_code,
)
from operations.errors.messages import (
    duration_text,
    error_action,
    error_happened,
    error_message,
    error_next_step,
)
from operations.errors.rules import (
    CATEGORY_CHOICES,
    RULES,
    Advice,
    Category,
    Rule,
    category_of,
    rule_of,
)
from operations.errors.texts import Telling

__all__ = [
    "CATEGORY_CHOICES",
    "EXCEPTIONS",
    "RULES",
    "Advice",
    "AuthenticationError",
    "Category",
    "ContentBlockedError",
    "InternalError",
    "InvalidRequestError",
    "InvalidResponseError",
    "NetworkError",
    "OpenAIServiceError",
    "QuotaExceededError",
    "RateLimit",
    "RateLimitError",
    "Rule",
    "ServerError",
    "Telling",
    "Usage",
    "category_of",
    "duration_text",
    "error_action",
    "error_from_code",
    "error_happened",
    "error_message",
    "error_next_step",
    "rule_of",
]

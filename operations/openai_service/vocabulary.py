"""The words that providers use for their errors, as data: nothing here runs against a network.

Three layers, asked in this order by `classify`: exact codes and types; words inside codes nobody
listed; narrow patterns over the message (`messages`). An operator adds exact codes and parts of
messages without a release through the JSON file that OPERATIONS_ERROR_VOCABULARY names.
"""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from operations.errors.operator_vocabulary import OperatorVocabulary, read_vocabulary

# Exact codes and types, normalised by `normalise`. Sources: OpenAI's error-code guide and the
# bodies of the fault corpus.
CODES: dict[str, str] = {
    "account_deactivated": "ACCOUNT_DEACTIVATED",
    "account_disabled": "ACCOUNT_DEACTIVATED",
    "account_suspended": "ACCOUNT_DEACTIVATED",
    "api_key_invalid": "INVALID_API_KEY",
    "authentication": "INVALID_API_KEY",
    "billing_hard_limit_reached": "SPEND_LIMIT_REACHED",
    "billing_not_active": "BILLING_INACTIVE",
    "conflict": "CONFLICT",
    "content_filter": "CONTENT_FILTERED",
    "content_policy_violation": "CONTENT_FILTERED",
    "context_length_exceeded": "CONTEXT_LENGTH_EXCEEDED",
    "deployment_not_found": "MODEL_NOT_FOUND",
    "exceed_context_size": "CONTEXT_LENGTH_EXCEEDED",
    "insufficient_quota": "QUOTA_EXCEEDED",
    "invalid_api_key": "INVALID_API_KEY",
    "invalid_json_schema": "INVALID_SCHEMA",
    "json_validate_failed": "SCHEMA_MISMATCH",  # Groq: the sample was bad, not the request
    "invalid_organization": "ORGANIZATION_ERROR",
    "invalid_project": "ORGANIZATION_ERROR",
    "invalid_prompt": "CONTENT_FILTERED",
    "ip_not_authorized": "PERMISSION_DENIED",
    # MiniMax's `base_resp.status_code`, as listed in its error-code guide.
    "minimax_1001": "SERVER_ERROR",
    "minimax_1002": "RATE_LIMIT_EXCEEDED",
    "minimax_1004": "INVALID_API_KEY",
    "minimax_1008": "QUOTA_EXCEEDED",
    "minimax_1026": "CONTENT_FILTERED",
    "minimax_1027": "CONTENT_FILTERED",
    "minimax_1039": "CONTEXT_LENGTH_EXCEEDED",
    "minimax_2013": "INVALID_REQUEST",
    "mismatched_organization": "ORGANIZATION_ERROR",
    "mismatched_project": "ORGANIZATION_ERROR",
    "model_not_found": "MODEL_NOT_FOUND",
    "no_organization": "ORGANIZATION_ERROR",
    "organization_not_found": "ORGANIZATION_ERROR",
    "overloaded": "SERVER_ERROR",
    "permission": "PERMISSION_DENIED",
    "permission_denied": "PERMISSION_DENIED",
    "quota_exceeded": "QUOTA_EXCEEDED",
    "rate_limit": "RATE_LIMIT_EXCEEDED",
    "rate_limit_exceeded": "RATE_LIMIT_EXCEEDED",
    "resource_unavailable": "RATE_LIMIT_EXCEEDED",  # OpenAI's flex tier, a 429
    "request_too_large": "REQUEST_TOO_LARGE",
    "responsible_ai_policy_violation": "CONTENT_FILTERED",
    "server_is_overloaded": "SERVER_ERROR",
    "slow_down": "SLOW_DOWN",
    "string_above_max_length": "PAYLOAD_TOO_LARGE",
    "too_many_requests": "RATE_LIMIT_EXCEEDED",
    "unauthenticated": "INVALID_API_KEY",
    "unauthorized": "INVALID_API_KEY",
    "unsupported_country_region_territory": "REGION_NOT_SUPPORTED",
}

# Words that say nothing beyond the HTTP status, so they are not reported as unmapped either.
GENERIC: frozenset[str] = frozenset(
    {
        "api",
        "api_status",
        "bad_request",
        "error",
        "failed_precondition",
        "internal",
        "internal_server",
        "invalid_argument",
        "invalid_request",
        "invalid_value",
        "missing_required_parameter",
        "none",
        "not_found",
        "null",
        "provider",
        "request",
        "requests",
        "request_forbidden",
        "resource_exhausted",
        "server",
        "service_unavailable",
        "timeout",
        "tokens",
        "unavailable",
        "unknown",
        "unknown_parameter",
        "unsupported_parameter",
        "unsupported_value",
        "wrong_api_format",
        "upstream",
        "validation",
        "value",
    }
)

# For codes that nobody listed: all words of a row occur in the code. First match wins.
WORDS: tuple[tuple[frozenset[str], str], ...] = tuple(
    (frozenset(words.split()), code)
    for words, code in (
        ("slow down", "SLOW_DOWN"),
        ("context length", "CONTEXT_LENGTH_EXCEEDED"),
        ("context window", "CONTEXT_LENGTH_EXCEEDED"),
        ("context size", "CONTEXT_LENGTH_EXCEEDED"),
        ("prompt too long", "CONTEXT_LENGTH_EXCEEDED"),
        ("rate limit", "RATE_LIMIT_EXCEEDED"),
        ("rate limited", "RATE_LIMIT_EXCEEDED"),
        ("rate", "RATE_LIMIT_EXCEEDED"),
        ("ratelimit", "RATE_LIMIT_EXCEEDED"),
        ("throttled", "RATE_LIMIT_EXCEEDED"),
        ("throttling", "RATE_LIMIT_EXCEEDED"),
        ("too many requests", "RATE_LIMIT_EXCEEDED"),
        ("spend", "SPEND_LIMIT_REACHED"),
        ("spending", "SPEND_LIMIT_REACHED"),
        ("budget", "SPEND_LIMIT_REACHED"),
        ("hard limit", "SPEND_LIMIT_REACHED"),
        ("billing", "BILLING_INACTIVE"),
        ("quota", "QUOTA_EXCEEDED"),
        ("credit", "QUOTA_EXCEEDED"),
        ("credits", "QUOTA_EXCEEDED"),
        ("balance", "QUOTA_EXCEEDED"),
        ("funds", "QUOTA_EXCEEDED"),
        ("payment", "QUOTA_EXCEEDED"),
        ("arrearage", "QUOTA_EXCEEDED"),
        ("usage limit", "SPEND_LIMIT_REACHED"),
        ("usage limits", "SPEND_LIMIT_REACHED"),
        ("key limit", "SPEND_LIMIT_REACHED"),  # OpenRouter's limit of one key
        ("content filter", "CONTENT_FILTERED"),
        ("content filtered", "CONTENT_FILTERED"),
        ("content policy", "CONTENT_FILTERED"),
        ("content blocked", "CONTENT_FILTERED"),
        ("content violation", "CONTENT_FILTERED"),
        ("moderation", "CONTENT_FILTERED"),
        ("safety", "CONTENT_FILTERED"),
        ("guardrail", "CONTENT_FILTERED"),
        ("flagged", "CONTENT_FILTERED"),
        ("inspection failed", "CONTENT_FILTERED"),
        ("json schema", "INVALID_SCHEMA"),
        ("response format", "INVALID_SCHEMA"),
        ("model not found", "MODEL_NOT_FOUND"),
        ("model not exist", "MODEL_NOT_FOUND"),
        ("model not available", "MODEL_NOT_FOUND"),
        ("model not supported", "MODEL_NOT_FOUND"),
        ("invalid model", "MODEL_NOT_FOUND"),
        ("unknown model", "MODEL_NOT_FOUND"),
        ("unsupported model", "MODEL_NOT_FOUND"),
        ("model decommissioned", "MODEL_NOT_FOUND"),
        ("organization", "ORGANIZATION_ERROR"),
        ("account deactivated", "ACCOUNT_DEACTIVATED"),
        ("account disabled", "ACCOUNT_DEACTIVATED"),
        ("account suspended", "ACCOUNT_DEACTIVATED"),
        ("region", "REGION_NOT_SUPPORTED"),
        ("country", "REGION_NOT_SUPPORTED"),
        ("api key", "INVALID_API_KEY"),
        ("apikey", "INVALID_API_KEY"),
        ("unauthorized", "INVALID_API_KEY"),
        ("unauthenticated", "INVALID_API_KEY"),
        ("authentication", "INVALID_API_KEY"),
        ("invalid token", "INVALID_API_KEY"),
        ("credentials", "INVALID_API_KEY"),
        ("permission", "PERMISSION_DENIED"),
        ("access denied", "PERMISSION_DENIED"),
        ("access terminated", "PERMISSION_DENIED"),
        ("overloaded", "SERVER_ERROR"),
        ("capacity", "SERVER_ERROR"),
        ("engine unavailable", "SERVER_ERROR"),
    )
)


STATUSES: dict[int, str] = {
    401: "INVALID_API_KEY",
    402: "QUOTA_EXCEEDED",
    403: "PERMISSION_DENIED",
    404: "ENDPOINT_NOT_FOUND",
    405: "ENDPOINT_NOT_FOUND",
    407: "PROXY_ERROR",
    408: "TIMEOUT",
    409: "CONFLICT",
    410: "MODEL_NOT_FOUND",
    413: "PAYLOAD_TOO_LARGE",
    414: "PAYLOAD_TOO_LARGE",
    429: "RATE_LIMIT_EXCEEDED",
    451: "REGION_NOT_SUPPORTED",
}

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")
_SUFFIX = re.compile(r"_(?:error|exception)$")


def normalise(word: str) -> str:
    """`RateLimitError`, `rate-limit-error` and `rate_limit` are one word."""
    snake = _NOT_A_WORD.sub("_", _CAMEL.sub("_", word).lower()).strip("_")
    return _SUFFIX.sub("", snake)


def code_of_status(status: int) -> str:
    """What the HTTP status alone says. 1xx where an answer should be is a broken conversation."""
    if status in STATUSES:
        return STATUSES[status]
    if status >= 500:
        return "SERVER_ERROR"
    if status >= 400:
        return "INVALID_REQUEST"
    if status >= 300:
        return "REDIRECT_ERROR"
    return "SERVER_ERROR" if status >= 200 else "NETWORK_ERROR"


def kind_of_status(status: int) -> int:
    """The row of MESSAGES that a status belongs to; an unusual 4xx is read like a 400."""
    if status >= 500:
        return 500
    if status < 300:
        return 200
    return status if status in STATUSES or status == 422 else 400


def code_of_exact(word: str) -> str | None:
    """Of a normalised code or type; the operator's own file wins."""
    return operators_own().codes.get(word) or CODES.get(word)


def code_of_words(word: str) -> str | None:
    present = frozenset(word.split("_"))
    return next((code for words, code in WORDS if words <= present), None)


@functools.cache
def operators_own() -> OperatorVocabulary:
    """The operator's words, read once per process. A broken file stops the start: it is checked."""
    path = settings.OPERATIONS_ERROR_VOCABULARY
    if not path:
        return OperatorVocabulary()
    own = read_vocabulary(Path(path))
    return replace(own, codes={normalise(word): code for word, code in own.codes.items()})

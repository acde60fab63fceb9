"""Proxies that put their own words around a provider's error: what is theirs is taken off, what the
provider said is left. Data with sources; `classify` asks before it judges.

Known by their headers or by what their messages begin with, never by words inside a message.
Where a proxy dropped the provider's code, a sentence that stands for one code, whole and with
nothing beside it, puts it back (decision 33).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from operations.openai_service.answer import ErrorBody


@dataclass(frozen=True)
class Proxy:
    headers: tuple[str, ...]
    """Beginnings of names, in lower case, that only this proxy's answers have."""
    mark: re.Pattern[str]
    """What a message begins with that only this proxy wrote."""
    before: re.Pattern[str]
    """At the beginning of a message, before the provider's own."""
    after: re.Pattern[str]
    """From here to the end."""
    own_words: frozenset[str]
    """Codes and types that it puts in the place of the provider's."""
    telling: frozenset[str] = frozenset()
    """Its names for errors, within `before`, that say more than the HTTP status."""


_NEVER = re.compile(r"(?!)")

PROXIES: tuple[Proxy, ...] = (
    # LiteLLM 1.108.7, measured: "litellm.RateLimitError: RateLimitError: OpenAIException - …", of
    # type throttling_error whatever the 429 was about, and a sentence of its own at the end.
    Proxy(
        headers=("x-litellm-", "llm_provider-"),
        mark=re.compile(r"\Alitellm\.\w"),
        before=re.compile(r"\A(?:(?:litellm\.)?\w+(?:Error|Exception|Timeout)(?:: | - ))+"),
        after=re.compile(r"\n+(?:LiteLLM: |model=|Deployment Info: ).*\Z", re.DOTALL),
        own_words=frozenset({"throttling_error", "authentication_error", "permission_error"}),
        telling=frozenset({"ContextWindowExceededError", "ContentPolicyViolationError"}),
    ),
    # Portkey's gateway: "openai error: …", the provider's code beside it (Portkey-AI/gateway).
    Proxy(
        headers=("x-portkey-",),
        mark=_NEVER,
        before=re.compile(r"\A[a-z0-9-]{2,30} error: "),
        after=_NEVER,
        own_words=frozenset(),
    ),
    # one-api and new-api: the provider's sentence under their own type (songquanpeng/one-api).
    Proxy(
        headers=("x-oneapi-", "x-new-api-"),
        mark=re.compile(r"\Abad response status code \d{3}"),
        before=re.compile(r"\Abad response status code \d{3}[,:]? ?"),
        after=re.compile(r" \(request id: [^)]{1,100}\)\Z"),
        own_words=frozenset(
            {"one_api_error", "new_api_error", "upstream_error", "bad_response_status_code"}
        ),
    ),
)

# Sentences that a provider sends with one code and no other, whole: OpenAI's error-code guide.
SENTENCES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"You exceeded your current quota, please check your plan and billing details\."
            r"(?: For more information on this error, read the docs: https://[^\s]{1,200})?"
        ),
        "insufficient_quota",
    ),
    (re.compile(r"Billing hard limit has been reached\.?"), "billing_hard_limit_reached"),
    (
        re.compile(
            r"Your account is not active, please check your billing details on our website\."
        ),
        "billing_not_active",
    ),
)


def unwrapped(body: ErrorBody, headers: Mapping[str, str]) -> ErrorBody:
    """The error as the provider said it."""
    proxy = next((each for each in PROXIES if _came_through(each, body, headers)), None)
    if proxy is None:
        return body
    before = proxy.before.match(body.message)
    theirs = before[0] if before else ""
    message = proxy.after.sub("", body.message[len(theirs) :])
    return replace(
        body,
        words=(
            *(name for name in proxy.telling if name in theirs),
            *(code for sentence, code in SENTENCES if sentence.fullmatch(message.strip())),
            *(word for word in body.words if word not in proxy.own_words),
        ),
        message=message,
    )


def _came_through(proxy: Proxy, body: ErrorBody, headers: Mapping[str, str]) -> bool:
    return bool(proxy.mark.match(body.message)) or any(
        name.startswith(proxy.headers) for name in headers
    )

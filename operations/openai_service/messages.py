"""Narrow patterns over the messages of error bodies, for servers that send no telling code: data.

`OVERRIDES` are asked before a code, `MESSAGES` after all codes, and only at the statuses where such
a body was seen. What is decided by text alone never pauses a credential.
"""

from __future__ import annotations

import re


def _pattern(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


# Asked before the code: the code of these does not tell them from something else.
OVERRIDES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        _pattern(
            r"maximum context length",
            r"maximum (?:allowed )?(?:input|prompt|sequence) length",
            r"context (?:length|window|size)[^.]{0,80}(?:exceed|too|not enough)",
            r"exceed\w{0,5}[^.]{0,60}context (?:length|window|size|limit)",
            r"prompt is too long",
            r"tokens?\b[^.]{0,120}context (?:length|window|size)",
            r"inputs?`? (?:tokens?|token count|length)[^.]{0,80}(?:exceed|must be|should be)",
            r"exceed\w{0,5}[^.]{0,40}token limit",
        ),
        "CONTEXT_LENGTH_EXCEEDED",
    ),
    (_pattern(r"request too large\b.{0,200}?limit \d+, requested \d+"), "REQUEST_TOO_LARGE"),
    # Azure: the filter itself failed, RageAgainstThePixel/OpenAI-DotNet#274
    (_pattern(r"contents? (?:is|are|was|were) not filtered"), "SERVER_ERROR"),
)

# Asked last, for providers that send no code, only at the statuses where such a body is seen.
MESSAGES: tuple[tuple[frozenset[int], re.Pattern[str], str], ...] = (
    (
        # LM Studio and llama.cpp's kind, some of them with 200 and a sentence.
        frozenset({200, 400, 404, 500}),
        _pattern(r"unexpected endpoint", r"unknown (?:api )?(?:endpoint|route)"),
        "ENDPOINT_NOT_FOUND",
    ),
    (
        # 500: llama-cpp-python. 404: OpenRouter, where no endpoint takes what the request holds.
        frozenset({200, 400, 404, 422, 500}),
        _pattern(
            r"response_?format",  # DeepSeek, Azure, vLLM
            r"json_schema",
            r"response_?schema",  # Gemini: googleapis/python-aiplatform#4510
            r"\bgrammar\b",  # llama.cpp#17473, #25895; openstory-so/openstory#1302
            r"requested parameters",  # OpenRouter
        ),
        "INVALID_SCHEMA",
    ),
    (
        frozenset({200, 400, 422}),
        _pattern(r"json schema", r"invalid schema", r"structured outputs?"),
        "INVALID_SCHEMA",
    ),
    (
        frozenset({200, 400, 401, 403, 422, 429, 500}),
        _pattern(
            r"(?:spend(?:ing)?|hard|budget|cost) limit\b[^.]{0,40}(?:reached|exceeded|hit)",
            r"reach\w{0,5}+ (?:its|your|the) (?:monthly |daily )?(?:spending|budget) limit",
            r"budget has been exceeded",  # LiteLLM: a key's, a user's, a team's
            r"exceeded ?budget",  # LiteLLM: "ExceededBudget: End User=… over budget"
            r"(?:over|crossed|exceeded) (?:its |your |the )?(?:max )?budget",
            r"usage limits? (?:has been |have been |is |are )?(?:reached|exceeded|hit)",
            r"(?:reached|exceeded|hit) (?:its|your|the) (?:\w+ )?usage limits?",
            r"key limit (?:has been |is )?(?:exceeded|reached)",  # OpenRouter
            r"\barrears?\b",  # DashScope, Volcengine
        ),
        "SPEND_LIMIT_REACHED",
    ),
    (
        frozenset({200, 400, 401, 403, 422, 429, 500}),
        _pattern(
            r"insufficient (?:account )?(?:balance|credits?|funds|quota)",
            r"(?:not enough|out of|no remaining|used all available) credits?",
            r"balance is (?:too low|insufficient|not enough)",
            r"exceeded your current quota",
            r"quota (?:has been |is )?(?:exceeded|exhausted|used up)",
            r"payment required",
        ),
        "QUOTA_EXCEEDED",
    ),
    (
        frozenset({200, 400, 403, 429}),
        _pattern(r"billing (?:is |account is )?(?:not active|inactive|disabled)"),
        "BILLING_INACTIVE",
    ),
    (
        frozenset({200, 400, 403, 422}),
        _pattern(
            r"flagged (?:as|by|for)",
            r"content (?:filter|policy|management policy)",
            r"usage polic(?:y|ies)",
            r"safety (?:system|filter|settings|check)",
            r"moderation",
            r"inappropriate content",
            r"content exists risk",
        ),
        "CONTENT_FILTERED",
    ),
    (
        frozenset({200, 400, 403}),
        _pattern(r"(?:country|region|location)[^.]{0,40}not (?:supported|available)"),
        "REGION_NOT_SUPPORTED",
    ),
    (
        frozenset({200, 400, 403, 500}),
        _pattern(
            r"(?:incorrect|invalid|missing|expired|no|wrong) api[ _-]?key",
            r"api[ _-]?key (?:is |was |has )?(?:not valid|invalid|missing|expired|not found)",
            r"invalid (?:authentication|bearer) ?token",
            r"token (?:is |has )?(?:expired|incorrect|invalid)",  # Zhipu
            r"\Aauthentication error\b",  # Cloudflare's gateway
        ),
        "INVALID_API_KEY",
    ),
    (
        # A wrong address does not speak of models.
        frozenset({404}),
        _pattern(r"\bmodels?\b", r"\bdeployment\b"),
        "MODEL_NOT_FOUND",
    ),
    (
        frozenset({200, 400, 403, 404, 422}),
        _pattern(
            r"model\b.{0,120}?\b(?:not found|does ?n[o']t exist|does not exist|not exist)",
            r"model\b.{0,120}?\b(?:is not available|decommissioned|is not supported)",
            r"(?:unknown|unsupported|invalid|no such) model",
            r"no endpoints found",
        ),
        "MODEL_NOT_FOUND",
    ),
    (
        # OpenAI's sentences for the code, without which a proxy hands them on.
        frozenset({429, 500}),
        _pattern(r"\Aslow down\W*\Z", r"request rate increased too quickly"),
        "SLOW_DOWN",
    ),
    (
        frozenset({401}),
        _pattern(r"account\b[^.]{0,60}\b(?:deactivated|suspended)"),
        "ACCOUNT_DEACTIVATED",
    ),
    (
        frozenset({401}),
        _pattern(r"member of an organization"),
        "ORGANIZATION_ERROR",
    ),
    (
        frozenset({200, 400, 403}),
        _pattern(r"rate[ -]?limit", r"too many requests", r"requests per (?:minute|second|day)"),
        "RATE_LIMIT_EXCEEDED",
    ),
)

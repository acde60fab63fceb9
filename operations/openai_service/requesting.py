"""How a request is written, and in which simpler form it is asked again where a server refuses the
form: the capability ladder.

A refusal teaches one step. It is found by the classifier's INVALID_SCHEMA, or by the name of a
parameter that need not be sent; the tables below say which form it asks for.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from operations import capabilities
from operations.capabilities import FULL, Form, Rung
from operations.credentials import Credential
from operations.errors import InvalidRequestError, OpenAIServiceError
from operations.kinds import ProviderRequest
from operations.openai_service.answer import ErrorBody

FORMAT_STATUSES = frozenset({400, 404, 422, 500})

FORCED: Mapping[str, Rung] = {str(rung): rung for rung in Rung}

LIMITS = ("max_completion_tokens", "max_tokens")
"""Names of the answer's length limit: OpenAI's newer models refuse the older one."""
LIMITS_ELSEWHERE = ("max_tokens", "max_completion_tokens")
"""Others know the older one, and llama-cpp-python drops the newer one without a word."""
OPENAI_HOSTS = (".openai.com", ".openai.azure.com")

REFUSED = re.compile(
    r"un(?:supported|known|recognized|expected)|extra|not (?:supported|permitted|allowed)|invalid"
    r"|deprecated|only",
    re.IGNORECASE,
)

CONSTRAINTS = frozenset(
    ("minItems", "maxItems", "minimum", "maximum", "minLength", "maxLength", "pattern", "format")
)
"""Refused by Cerebras, Azure's first versions, Gemini and others; code checks them anyway."""
KEYWORDS = re.compile(r"\b(additionalProperties|items|enum|anyOf|\$ref|title|description)\b")
"""Left out of the simple schema where they are named: googleapis/python-aiplatform#4510."""
DISPENSABLE = frozenset({"additionalProperties", "title", "description"})
"""Without the others the schema would say something else."""


def _pattern(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


# What a refusal asks for: the first row whose pattern is in its message wins; no row: JSON_OBJECT.
STEPS: tuple[tuple[re.Pattern[str], Rung], ...] = (
    # llama-cpp-python: pydantic's sentence for its two types, the schema goes inside
    (_pattern(r"input should be 'text'(?: or|,) 'json_object'"), Rung.JSON_OBJECT_SCHEMA),
    # DeepSeek, Azure: "must be one of 'json_object', 'text'"
    (_pattern(r"json_object"), Rung.JSON_OBJECT),
    # OpenRouter: no provider of this model takes the parameter at all
    (_pattern(r"requested parameters"), Rung.PROMPT),
    # OpenAI's older models, FastAPI servers: the parameter itself is unknown
    (
        _pattern(
            r"(?:unknown|unrecognized|unexpected|unsupported)[^.]{0,40}response_format\b(?![.\[_])",
            r"response_format['\"`]? (?:is|are) not (?:supported|permitted|allowed)",
            r"extra (?:inputs|fields)[^.]{0,60}response_format",
        ),
        Rung.PROMPT,
    ),
    # Cerebras, Azure, Gemini: keywords by name
    (
        _pattern(
            r"\b(?:minItems|maxItems|minimum|maximum|minLength|maxLength|additionalProperties)\b",
            r"schema fields",
        ),
        Rung.SIMPLE_SCHEMA,
    ),
    # llama.cpp#17473, #25895: repetitions that its grammar cannot count
    (_pattern(r"parse grammar", r"schema conversion"), Rung.SIMPLE_SCHEMA),
)

STEADY: tuple[tuple[str, Any], ...] = (("temperature", 0), ("seed", 7))
"""Reasoning models refuse the first (400, "Unsupported value: 'temperature' does not support 0"),
Mistral the second (422, "Extra inputs are not permitted"). Any seed does, as long as it stays."""

INSTRUCTION = (
    "Answer with one JSON object and nothing else: no Markdown, no text before or after it. "
    "It has to fit this JSON schema:\n"
)


def form_for(credential: Credential, model: str) -> Form:
    """The form in which this server is asked now."""
    if credential.simulated:
        return FULL
    learned = FULL
    if capabilities.anything_known():  # a label costs more than this question
        learned = capabilities.known_form(credential.label, model) or FULL
    forced = FORCED.get(settings.OPENAI_STRUCTURED_OUTPUT)
    return learned if forced is None else Form(forced, learned.left_out)


@functools.lru_cache(maxsize=256)
def limit_names(base_url: str) -> tuple[str, ...]:
    """Of the answer's length, the first one tried first."""
    host = urlsplit(base_url).hostname or ""
    return LIMITS if host.endswith(OPENAI_HOSTS) else LIMITS_ELSEWHERE


def encode(
    request: ProviderRequest, model: str, form: Form, limits: tuple[str, ...] = LIMITS
) -> bytes:
    """The body of a chat completion that asks for the kind's schema in this form."""
    # Some servers stream unless they are told not to: open-webui/computer#193.
    body: dict[str, Any] = {"model": model, "messages": list(request.messages), "stream": False}
    if form.rung is Rung.JSON_SCHEMA:
        body["response_format"] = _json_schema(request, request.schema, strict=True)
    else:
        body |= _simpler(request, form)
    body |= _parameters(form.left_out, limits, steady=request.steady)
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:  # half a surrogate pair, which UTF-8 has no bytes for
        detail = f"the request cannot be written as JSON: {type(error).__name__}"
        # No cause: its text is the prompt's.
        raise InvalidRequestError("INVALID_REQUEST", detail=detail, maybe_processed=False) from None


def lesson_of(
    error: OpenAIServiceError,
    body: ErrorBody,
    status: int,
    form: Form,
    limits: tuple[str, ...] = LIMITS,
    *,
    steady: bool = False,
) -> Form | None:
    """The next form for a refusal that is about the form; None for every other refusal, and where
    there is no simpler one or the operator chose the rung."""
    if status not in FORMAT_STATUSES:
        return None
    said = f"{body.param} {body.message}"
    if error.error_code == "INVALID_SCHEMA":
        return _step_down(form, said) if settings.OPENAI_STRUCTURED_OUTPUT == "auto" else None
    if error.error_code == "INVALID_REQUEST":
        sent = dict(_parameters(form.left_out, limits, steady=steady))
        if name := _refused_parameter(said, sent):
            return Form(form.rung, form.left_out | {name})
    return None


def _step_down(form: Form, said: str) -> Form | None:
    wanted = next((rung for p, rung in STEPS if p.search(said)), Rung.JSON_OBJECT)
    lower = [rung for rung in Rung if rung.depth > form.rung.depth]
    # What the message asks for may be behind us: then what comes next.
    further = [rung for rung in lower if rung.depth >= wanted.depth]
    steps = further if wanted.depth > form.rung.depth else _ways_on(lower)
    if not steps:
        return None
    named = frozenset(KEYWORDS.findall(said)) & DISPENSABLE
    return Form(steps[0], form.left_out | named)


def _ways_on(lower: list[Rung]) -> list[Rung]:
    """Only a server that asks for it gets the schema inside."""
    return [rung for rung in lower if rung is not Rung.JSON_OBJECT_SCHEMA]


def _refused_parameter(said: str, sent: Iterable[str]) -> str | None:
    """One that this request carried and that need not be there."""
    if not REFUSED.search(said):
        return None
    return next((name for name in sent if re.search(rf"\b{name}\b", said)), None)


def _parameters(
    left_out: frozenset[str], limits: tuple[str, ...], *, steady: bool
) -> tuple[tuple[str, Any], ...]:
    """What is sent only where it was asked for, less what this server refused."""
    parameters: tuple[tuple[str, Any], ...] = STEADY if steady else ()
    if settings.OPENAI_MAX_OUTPUT_TOKENS:
        name = next((name for name in limits if name not in left_out), limits[-1])
        parameters += ((name, settings.OPENAI_MAX_OUTPUT_TOKENS),)
    if settings.OPENAI_REASONING_EFFORT:
        parameters += (("reasoning_effort", settings.OPENAI_REASONING_EFFORT),)
    return tuple((name, value) for name, value in parameters if name not in left_out)


def _json_schema(
    request: ProviderRequest, schema: Mapping[str, Any], *, strict: bool
) -> dict[str, Any]:
    return {
        "type": "json_schema",
        "json_schema": {"name": request.kind, "strict": strict, "schema": schema},
    }


def _simpler(request: ProviderRequest, form: Form) -> dict[str, Any]:
    if form.rung is Rung.SIMPLE_SCHEMA:
        schema = _without(CONSTRAINTS | form.left_out, request.schema)
        strict = "additionalProperties" not in form.left_out  # OpenAI's strict mode demands it
        return {"response_format": _json_schema(request, schema, strict=strict)}
    told = {"messages": _with_instruction(request)}
    if form.rung is Rung.PROMPT:
        return told
    inside = {"schema": request.schema} if form.rung is Rung.JSON_OBJECT_SCHEMA else {}
    return told | {"response_format": {"type": "json_object", **inside}}


def _with_instruction(request: ProviderRequest) -> list[Mapping[str, str]]:
    """At the end of the system message: some chat templates know only one."""
    schema = json.dumps(request.schema, ensure_ascii=False)
    first, *others = request.messages
    if first["role"] != "system":
        return [{"role": "system", "content": INSTRUCTION + schema}, *request.messages]
    text = f"{first['content']}\n\n{INSTRUCTION}{schema}"
    return [{"role": "system", "content": text}, *others]


def _without(keywords: frozenset[str], schema: Any) -> Any:
    """The schema without these keywords; the names of properties are no keywords."""
    if isinstance(schema, list):
        return [_without(keywords, each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _without(keywords, each) for name, each in value.items()}
        if key == "properties"
        else _without(keywords, value)
        for key, value in schema.items()
        if key not in keywords
    }

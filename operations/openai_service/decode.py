"""A 2xx answer → the model's JSON value, or the reason why it cannot be used.

The SDK returns HTML, null, error objects and half answers as if they were completions; here nothing
passes that was not looked at: size → JSON → error object → choice → finish reason → content.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from operations.errors import OpenAIServiceError, Usage, error_from_code
from operations.openai_service.answer import Answer, error_of, printable, read_json
from operations.openai_service.classify import error_of_answer
from operations.openai_service.content import clean_text, read_content
from operations.openai_service.prices import cost_usd

# Null is what lenient relays send with a whole answer.
FINISHED = (None, "stop", "eos", "end_turn", "stop_sequence")
FILTERED = ("content_filter", "safety", "sensitive", "prohibited_content", "recitation")
CALLED = ("tool_calls", "tool_call", "function_call", "tool_use")

MAX_TOKENS = 2_147_483_647
"""What an integer column holds."""


@dataclass(frozen=True)
class Completion:
    """The parts of a usable answer."""

    content: object
    usage: Usage
    request_id: str


def read_completion(answer: Answer, *, model: str, base_url: str) -> Completion:
    """Raises an OpenAIServiceError for everything that is no usable completion. `model` and
    `base_url`: what was asked, for the price and for answers that do not name their model."""
    return _Reader(answer, model, base_url).completion()


class _Reader:
    def __init__(self, answer: Answer, model: str, base_url: str) -> None:
        self._answer = answer
        self._model = model
        self._base_url = base_url
        self._usage: Usage | None = None
        self._request_id = answer.request_id

    def completion(self) -> Completion:
        envelope = self._envelope()
        self._usage = usage_of(envelope, model=self._model, base_url=self._base_url)
        self._request_id = self._request_id or _identifier(envelope.get("id"))
        content = self._content(self._choice(envelope))
        return Completion(content, self._usage, self._request_id)

    def _envelope(self) -> dict[str, Any]:
        if self._answer.too_large:
            raise self._error("RESPONSE_TOO_LARGE", "the body passes the limit")
        if not self._answer.body.strip():
            raise self._error("EMPTY_RESPONSE", "an empty body")
        try:
            value = read_json(self._answer.body)
        except ValueError:
            raise self._error("INVALID_RESPONSE", "the body is no JSON") from None
        if _is_error(value):
            raise error_of_answer(self._answer, error_of(value))
        if not isinstance(value, dict):
            raise self._error("INVALID_RESPONSE", "the body is no object")
        return value

    def _choice(self, envelope: dict[str, Any]) -> dict[str, Any]:
        choices = envelope.get("choices")
        if choices == []:
            raise self._error("EMPTY_RESPONSE", "no choices")
        if not isinstance(choices, list) or not isinstance(choices[0], dict):
            raise self._error("INVALID_RESPONSE", "the body is no chat completion")
        choice: dict[str, Any] = choices[0]
        if choice.get("error"):
            raise error_of_answer(self._answer, error_of(choice), self._usage)
        return choice

    def _content(self, choice: dict[str, Any]) -> object:
        message = choice.get("message")
        if not isinstance(message, dict):
            raise self._error("INVALID_RESPONSE", "the choice has no message")
        self._refuse_unfinished(choice.get("finish_reason"))
        if message.get("refusal"):
            raise self._error("REFUSED", "the message has a refusal")
        text = _text(message.get("content"))
        if text is None:
            raise self._error("INVALID_RESPONSE", "the content is no text")
        if not text.strip():
            called = message.get("tool_calls") or message.get("function_call")
            code = "UNEXPECTED_TOOL_CALL" if called else "EMPTY_RESPONSE"
            raise self._error(code, "the message has no content")
        try:
            return read_content(text)
        except ValueError:
            raise self._error("SCHEMA_MISMATCH", "the content is no usable JSON") from None

    def _refuse_unfinished(self, reason: object) -> None:
        word = reason.lower() if isinstance(reason, str) else reason
        if word in FINISHED:
            return
        detail = f"finish_reason {printable(str(reason), 40)}"
        if word in FILTERED:
            raise self._error("CONTENT_FILTERED", detail)
        if word in CALLED:
            raise self._error("UNEXPECTED_TOOL_CALL", detail)
        raise self._error("TRUNCATED_RESPONSE", detail)

    def _error(self, code: str, detail: str) -> OpenAIServiceError:
        return error_from_code(
            code,
            http_status=self._answer.status,
            provider_request_id=self._request_id,
            detail=f"HTTP {self._answer.status}, {detail}",
            usage=self._usage,
        )


def usage_of(envelope: dict[str, Any], *, model: str, base_url: str) -> Usage:
    """Token counts and price; what a relay leaves out is 0 tokens at an unknown price."""
    answered = envelope.get("model")
    name = printable(answered, 100) if isinstance(answered, str) and answered else model
    usage = envelope.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    details = counts.get("prompt_tokens_details")
    cached = _tokens(details.get("cached_tokens")) if isinstance(details, dict) else 0
    sent, written = _tokens(counts.get("prompt_tokens")), _tokens(counts.get("completion_tokens"))
    return Usage(
        input_tokens=sent,
        output_tokens=written,
        cost_usd=cost_usd(
            model=name, base_url=base_url, sent=sent, cached=min(cached, sent), written=written
        ),
        model=name,
    )


def _is_error(value: object) -> bool:
    """Some servers answer 200 and put the error into the body."""
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], dict) and bool(value[0].get("error"))
    if not isinstance(value, dict):
        return False
    return bool(value.get("error")) or (value.get("object") == "error")


def _text(content: object) -> str | None:
    """A string, or the text parts of a list of parts. None: neither."""
    if content is None:
        return ""
    if isinstance(content, list):
        parts = [p.get("text") for p in content if isinstance(p, dict)]
        return "".join(p for p in parts if isinstance(p, str))
    return clean_text(content) if isinstance(content, str) else None


def _tokens(count: object) -> int:
    if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= MAX_TOKENS:
        return count
    return 0


def _identifier(value: object) -> str:
    return printable(value, 200) if isinstance(value, str) else ""

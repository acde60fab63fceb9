"""A 2xx answer → the model's JSON value, or the reason why it cannot be used.

The SDK returns HTML, null, error objects and half answers as if they were completions; here nothing
passes that was not looked at: size → frame → JSON → error → choice → finish reason → content. What
came by an odd way (as reasoning, as a tool call, with a finish reason that nobody listed) is taken
where it fits the schema that was asked for: that is the proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from operations.errors import OpenAIServiceError, Usage, error_from_code
from operations.openai_service.answer import (
    HttpAnswer,
    error_of,
    flat_error_of,
    identifier,
    is_error,
    printable,
)
from operations.openai_service.answer_rules import Finish, finish_of
from operations.openai_service.classify import error_of_answer
from operations.openai_service.content import clean_text, loads, read_content
from operations.openai_service.fitting import fits
from operations.openai_service.framing import read_body
from operations.prices import cost_usd

MAX_TOKENS = 2_147_483_647
"""What an integer column holds."""

REASONING_KEYS = ("reasoning_content", "reasoning")

CODES = {
    Finish.FILTERED: "CONTENT_FILTERED",
    Finish.REFUSED: "REFUSED",
    Finish.TOO_LONG: "CONTEXT_LENGTH_EXCEEDED",
    Finish.CALLED: "UNEXPECTED_TOOL_CALL",
}


@dataclass(frozen=True)
class Completion:
    """The parts of a usable answer."""

    content: object
    usage: Usage
    request_id: str


def read_completion(
    answer: HttpAnswer,
    *,
    model: str,
    base_url: str,
    schema: Mapping[str, Any] | None = None,
    name: str = "",
) -> Completion:
    """Raises an OpenAIServiceError for everything that is no usable completion. `model` and
    `base_url`: what was asked, for the price and for answers that do not name their model.
    `schema`, `name`: what the content has to fit; without them nothing can be proved."""
    return _Reader(answer, model, base_url, schema, name).completion()


class _Reader:
    def __init__(
        self,
        answer: HttpAnswer,
        model: str,
        base_url: str,
        schema: Mapping[str, Any] | None,
        name: str,
    ) -> None:
        self._answer = answer
        self._model = model
        self._base_url = base_url
        self._schema = schema
        self._name = name
        self._usage: Usage | None = None
        self._envelope: dict[str, Any] = {}
        self._request_id = answer.request_id

    def completion(self) -> Completion:
        self._envelope = envelope = self._read_envelope()
        self._usage = usage_of(envelope, model=self._model, base_url=self._base_url)
        self._request_id = self._request_id or _printable_id(envelope.get("id"))
        content = self._content(self._choice(envelope))
        return Completion(content, self._usage, self._request_id)

    def _read_envelope(self) -> dict[str, Any]:
        if self._answer.too_large:
            raise self._error("RESPONSE_TOO_LARGE", "the body passes the limit")
        if not self._answer.body.strip():
            raise self._error("EMPTY_RESPONSE", "an empty body")
        try:
            value = read_body(self._answer.body)
        except ValueError:
            raise self._error("INVALID_RESPONSE", "the body is no JSON") from None
        if is_error(value):
            raise error_of_answer(self._answer, error_of(value))
        if not isinstance(value, dict):
            raise self._error("INVALID_RESPONSE", "the body is no object")
        return value

    def _choice(self, envelope: dict[str, Any]) -> dict[str, Any]:
        choices = envelope.get("choices")
        if not choices and (said := flat_error_of(envelope)):
            error = error_of_answer(self._answer, said)
            if error.error_code != "SERVER_ERROR" or said.status:
                raise error  # else it says nothing that anybody knows
        if choices == []:
            raise self._error("EMPTY_RESPONSE", "no choices")
        if not isinstance(choices, list) or not isinstance(choices[0], dict):
            raise self._error("INVALID_RESPONSE", "the body is no chat completion")
        choice: dict[str, Any] = choices[0]
        if choice.get("index"):  # several, in any order: the first by number was asked for
            choice = next(
                (c for c in choices if isinstance(c, dict) and not c.get("index")), choice
            )
        if choice.get("error"):
            raise error_of_answer(self._answer, error_of(choice), self._usage)
        return choice

    def _content(self, choice: dict[str, Any]) -> object:
        message = choice.get("message")
        finish, reason = _finish(choice)
        if finish in (Finish.FILTERED, Finish.REFUSED, Finish.TOO_LONG):
            raise self._error(CODES[finish], _finish_detail(reason))
        if not isinstance(message, dict):
            if "content_filter_results" in choice or "content_filter_result" in choice:
                raise self._error("CONTENT_FILTERED", "no message, but a filter's report")
            raise self._error("INVALID_RESPONSE", "the choice has no message")
        if message.get("refusal"):
            raise self._error("REFUSED", "the message has a refusal")
        if finish is Finish.WHOLE:
            return self._whole_content(message)
        proved = self._proved(message)
        if proved is None or finish in (Finish.CUT, Finish.FAILED):
            raise self._unfinished(finish, reason, message, has_proof=proved is not None)
        return proved

    def _whole_content(self, message: dict[str, Any]) -> object:
        text = _text(message.get("content"))
        if text is not None and text.strip():
            return self._without_name(self._read(text))
        if (proved := self._proved(message)) is not None:
            return proved
        if text is None:
            raise self._error("INVALID_RESPONSE", "the content is no text")
        called = message.get("tool_calls") or message.get("function_call")
        code = "UNEXPECTED_TOOL_CALL" if called else "EMPTY_RESPONSE"
        raise self._error(code, "the message has no content")

    def _read(self, text: str) -> object:
        try:
            return read_content(text)
        except ValueError:
            raise self._error("SCHEMA_MISMATCH", "the content is no usable JSON") from None

    def _without_name(self, value: object) -> object:
        """The schema's name as a key around what was asked for is ours, not the model's."""
        if self._schema and isinstance(value, dict) and list(value) == [self._name]:
            inner = value[self._name]
            return inner if fits(inner, self._schema) else value
        return value

    def _proved(self, message: dict[str, Any]) -> object:
        """The one answer in this message that fits the schema, or None."""
        if self._schema is None:
            return None
        for found in _places(message):
            if isinstance(found, str):
                try:
                    found = self._without_name(read_content(found))
                except ValueError:
                    continue
            if fits(found, self._schema):
                return found
        return None

    def _unfinished(
        self, finish: Finish, reason: object, message: dict[str, Any], *, has_proof: bool
    ) -> OpenAIServiceError:
        detail = _finish_detail(reason)
        # A provider that says it failed after a whole answer: nobody has to be asked again.
        if finish is Finish.FAILED and not has_proof:
            return self._error("SERVER_ERROR", detail)
        is_blank = not (_text(message.get("content")) or "").strip()
        if finish is Finish.CUT and is_blank and (self._has_thought() or _reasoning(message)):
            detail += ", the model spent its whole answer on thinking"
        return self._error(CODES.get(finish, "TRUNCATED_RESPONSE"), detail)

    def _has_thought(self) -> bool:
        usage = self._envelope.get("usage")
        details = usage.get("completion_tokens_details") if isinstance(usage, dict) else None
        return isinstance(details, dict) and bool(_tokens(details.get("reasoning_tokens")))

    def _error(self, code: str, detail: str) -> OpenAIServiceError:
        return error_from_code(
            code,
            http_status=self._answer.status,
            provider_request_id=self._request_id,
            detail=f"HTTP {self._answer.status}, {detail}",
            usage=self._usage,
        )


def _finish_detail(reason: object) -> str:
    return f"finish_reason {identifier(str(reason), 40)}"


def _finish(choice: dict[str, Any]) -> tuple[Finish, object]:
    """Of the choice's reason, or of the provider's own behind a relay where that says it was not
    well (OpenRouter's `native_finish_reason`)."""
    reason, native = choice.get("finish_reason"), choice.get("native_finish_reason")
    if native is not None and native != reason:
        finish = finish_of(native)
        if finish not in (Finish.WHOLE, Finish.UNKNOWN, Finish.CALLED):
            return finish, native
    return finish_of(reason), reason


def _places(message: dict[str, Any]) -> list[object]:
    """Where servers put an answer, the content first. Reasoning is looked at only where there is
    nothing else: ddalcu/mlx-serve#331, vllm#15618."""
    content = message.get("content")
    if isinstance(content, dict):
        return [content]
    if text := (_text(content) or "").strip():
        return [text]
    calls = message.get("tool_calls") or [{"function": message.get("function_call")}]
    if isinstance(calls, list) and len(calls) == 1 and isinstance(calls[0], dict):
        function = calls[0].get("function")
        if isinstance(function, dict):  # openai/openai-agents-python#1602
            return [function.get("arguments")]
    return [reasoning] if (reasoning := _whole_reasoning(message)) is not None else []


def _whole_reasoning(message: dict[str, Any]) -> object:
    """JSON as it stands, nothing taken off: in reasoning anything may be quoted."""
    try:
        return loads(_reasoning(message))
    except ValueError:
        return None


def _reasoning(message: dict[str, Any]) -> str:
    texts = (message.get(key) for key in REASONING_KEYS)
    return next((text for text in texts if isinstance(text, str) and text.strip()), "")


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


def _text(content: object) -> str | None:
    """A string, or the text parts of a list of parts; parts of another type (thinking, reasoning)
    are not part of the answer. None: neither."""
    if content is None:
        return ""
    if isinstance(content, list):
        parts = [p["text"] for p in content if isinstance(p, dict) and _is_text(p)]
        return "".join(p for p in parts if isinstance(p, str))
    return clean_text(content) if isinstance(content, str) else None


def _is_text(part: dict[str, Any]) -> bool:
    return "text" in part and part.get("type") in (None, "text", "output_text")


def _tokens(count: object) -> int:
    if isinstance(count, float) and count.is_integer():  # relays in JavaScript
        count = int(count)
    if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= MAX_TOKENS:
        return count
    return 0


def _printable_id(value: object) -> str:
    return printable(value, 200) if isinstance(value, str) else ""

"""Which error an answer or an exception is. The order of the questions is the design:

the body's structure → messages that overrule the code, the operator's own first → codes and types
→ words inside unknown codes → narrow message patterns → a numeric code → the HTTP status. An
unknown word is logged and falls through to the status, so a provider nobody has shown us is still
treated by what its status means. A verdict that rests on message text alone never pauses a
credential: servers repeat parts of the request in their messages, and the request holds what a
candidate wrote.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import openai
import structlog

from operations.errors import (
    RULES,
    Category,
    OpenAIServiceError,
    Usage,
    error_from_code,
)
from operations.masking import mask
from operations.openai_service import messages, vocabulary
from operations.openai_service.answer import ErrorBody, HttpAnswer, error_body, identifier
from operations.openai_service.proxies import unwrapped
from operations.openai_service.retry_after import reset_seconds, retry_after_seconds

logger = structlog.get_logger("operations")


@dataclass(frozen=True)
class Verdict:
    code: str
    by_text: bool = False


def error_of_answer(
    answer: HttpAnswer, body: ErrorBody | None = None, usage: Usage | None = None
) -> OpenAIServiceError:
    """The error of an answer that is none, or (with `body`) of an error inside a 2xx."""
    body = unwrapped(body or error_body(answer.body), answer.headers)
    verdict = judge(answer.status, body)
    error = error_from_code(
        verdict.code,
        http_status=answer.status,
        provider_request_id=answer.request_id,
        retry_after=_retry_after(verdict.code, answer, body),
        retry_vetoed=answer.headers.get("x-should-retry", "").strip().lower() == "false",
        detail=detail_of(answer.status, body),
        usage=usage,
        maybe_processed=not 300 <= answer.status < 500,
    )
    if verdict.by_text:
        error.pauses = RULES[vocabulary.code_of_status(answer.status)].pauses
    return error


def _retry_after(code: str, answer: HttpAnswer, body: ErrorBody) -> float | None:
    asked = retry_after_seconds(answer.headers) or body.retry_delay
    if asked is None and RULES[code].category is Category.RATE_LIMIT:
        return reset_seconds({**answer.headers, **body.headers}, body.message)
    return asked


def judge(status: int, body: ErrorBody) -> Verdict:
    """Code for a status and what its body says. Pure but for the log line of an unknown word."""
    words = [vocabulary.normalise(word) for word in body.words]
    known = _code_of_body(words, body)
    if (overruling := _overruling(status, body, known)) is not None:
        return Verdict(overruling, by_text=True)
    if known is not None and not _echoes_status(known, status):
        return Verdict(_for_status(known, status))
    if known is None:
        _note_unmapped(status, body, words)
    if (said := _code_of_message(status, body)) is not None:
        return Verdict(said, by_text=True)
    return Verdict(known or vocabulary.code_of_status(body.status or status))


def _code_of_body(words: list[str], body: ErrorBody) -> str | None:
    if body.flagged:
        return "CONTENT_FILTERED"
    for look_up in (vocabulary.code_of_exact, vocabulary.code_of_words):
        for word in words:
            if (code := look_up(word)) is not None and word not in vocabulary.GENERIC:
                return code
    if body.param.startswith("response_format"):
        return "INVALID_SCHEMA"
    return "RATE_LIMIT_EXCEEDED" if body.retry_delay is not None else None


def _echoes_status(code: str | None, status: int) -> bool:
    """ "permission_denied" of a 403 says no more than the 403: the message may say why."""
    return status in (401, 403) and code == vocabulary.code_of_status(status)


def _for_status(code: str, status: int) -> str:
    """Words that mean two things: too large for the wire (413) or for the account's limit; out of
    capacity for everybody (5xx) or for us (429)."""
    if code == "REQUEST_TOO_LARGE" and status == 413:
        return "PAYLOAD_TOO_LARGE"
    return "RATE_LIMIT_EXCEEDED" if code == "SERVER_ERROR" and status == 429 else code


def _overruling(status: int, body: ErrorBody, known: str | None) -> str | None:
    """A code that names the credential is believed; every other one may hide a text too long."""
    names_credential = known is not None and RULES[known].pauses
    if status in (401, 402) or (names_credential and not _echoes_status(known, status)):
        return None
    if (own := vocabulary.operators_own().code_of_message(body.message)) is not None:
        return own
    return next((code for p, code in messages.OVERRIDES if p.search(body.message)), None)


def _code_of_message(status: int, body: ErrorBody) -> str | None:
    kind = vocabulary.kind_of_status(status)
    for statuses, pattern, code in messages.MESSAGES:
        if kind in statuses and pattern.search(body.message):
            return code
    return None


def _note_unmapped(status: int, body: ErrorBody, words: list[str]) -> None:
    unknown = [
        raw
        for raw, word in zip(body.words, words, strict=True)
        if word not in vocabulary.GENERIC and not word.isdecimal()
    ]
    if unknown:
        logger.warning(
            "provider.unmapped",
            http_status=status,
            words=[identifier(word) for word in unknown],
        )


def detail_of(status: int, body: ErrorBody) -> str:
    """For the operator: codes only. Messages may repeat the prompt, the key or an organisation."""
    parts = [f"HTTP {status}"]
    parts += [identifier(word) for word in dict.fromkeys(body.words)][:4]
    if body.param:
        parts.append(f"param {identifier(body.param)}")
    return ", ".join(parts)


@dataclass(frozen=True)
class Fault:
    """What an exception class means; `sent`: the request may have reached the provider."""

    code: str
    sent: bool = True


# Every class of both libraries stands here by name, although the base would do: a test walks the
# libraries, so a version that adds a class makes us decide. The most specific class wins.
FAULTS: dict[type[BaseException], Fault] = {
    # httpx2
    httpx2.HTTPError: Fault("NETWORK_ERROR"),
    httpx2.RequestError: Fault("NETWORK_ERROR"),
    httpx2.TransportError: Fault("NETWORK_ERROR"),
    httpx2.TimeoutException: Fault("TIMEOUT"),
    httpx2.ConnectTimeout: Fault("TIMEOUT", sent=False),
    httpx2.ReadTimeout: Fault("TIMEOUT"),
    httpx2.WriteTimeout: Fault("TIMEOUT"),
    # Our own pool is too small: the provider is fine, and nothing was sent.
    httpx2.PoolTimeout: Fault("NETWORK_ERROR", sent=False),
    httpx2.NetworkError: Fault("NETWORK_ERROR"),
    httpx2.ConnectError: Fault("NETWORK_ERROR", sent=False),
    httpx2.ReadError: Fault("NETWORK_ERROR"),
    httpx2.WriteError: Fault("NETWORK_ERROR"),
    httpx2.CloseError: Fault("NETWORK_ERROR"),
    httpx2.ProtocolError: Fault("NETWORK_ERROR"),
    # A header that cannot be sent, and the only one we do not write ourselves is the key's.
    httpx2.LocalProtocolError: Fault("INVALID_API_KEY", sent=False),
    httpx2.RemoteProtocolError: Fault("NETWORK_ERROR"),
    httpx2.ProxyError: Fault("PROXY_ERROR", sent=False),
    httpx2.UnsupportedProtocol: Fault("ENDPOINT_NOT_FOUND", sent=False),
    httpx2.DecodingError: Fault("INVALID_RESPONSE"),
    httpx2.TooManyRedirects: Fault("REDIRECT_ERROR"),
    httpx2.HTTPStatusError: Fault("SERVER_ERROR"),
    httpx2.InvalidURL: Fault("ENDPOINT_NOT_FOUND", sent=False),
    httpx2.SSEError: Fault("INVALID_RESPONSE"),
    httpx2.CookieConflict: Fault("INTERNAL_ERROR"),
    httpx2.StreamError: Fault("INTERNAL_ERROR"),
    httpx2.StreamConsumed: Fault("INTERNAL_ERROR"),
    httpx2.StreamClosed: Fault("INTERNAL_ERROR"),
    httpx2.ResponseNotRead: Fault("INTERNAL_ERROR"),
    httpx2.RequestNotRead: Fault("INTERNAL_ERROR"),
    # openai; the classes with a status are judged by their response instead, see error_of_exception
    openai.OpenAIError: Fault("API_KEY_NOT_CONFIGURED", sent=False),
    openai.APIError: Fault("SERVER_ERROR"),
    openai.APIStatusError: Fault("SERVER_ERROR"),
    openai.BadRequestError: Fault("INVALID_REQUEST", sent=False),
    openai.AuthenticationError: Fault("INVALID_API_KEY", sent=False),
    openai.OAuthError: Fault("INVALID_API_KEY", sent=False),
    openai.PermissionDeniedError: Fault("PERMISSION_DENIED", sent=False),
    openai.NotFoundError: Fault("ENDPOINT_NOT_FOUND", sent=False),
    openai.ConflictError: Fault("CONFLICT", sent=False),
    openai.UnprocessableEntityError: Fault("INVALID_REQUEST", sent=False),
    openai.RateLimitError: Fault("RATE_LIMIT_EXCEEDED", sent=False),
    openai.InternalServerError: Fault("SERVER_ERROR"),
    openai.APIConnectionError: Fault("NETWORK_ERROR"),
    openai.APITimeoutError: Fault("TIMEOUT"),
    openai.APIResponseValidationError: Fault("INVALID_RESPONSE"),
    openai.LengthFinishReasonError: Fault("TRUNCATED_RESPONSE"),
    openai.ContentFilterFinishReasonError: Fault("CONTENT_FILTERED"),
    openai.InvalidWebhookSignatureError: Fault("INTERNAL_ERROR", sent=False),
    openai.WebSocketConnectionClosedError: Fault("NETWORK_ERROR"),
    openai.WebSocketQueueFullError: Fault("NETWORK_ERROR"),
    # what both let through
    ssl.SSLError: Fault("TLS_ERROR", sent=False),
    # The other side went away during the handshake: no verdict about certificates.
    ssl.SSLEOFError: Fault("NETWORK_ERROR", sent=False),
    ssl.SSLZeroReturnError: Fault("NETWORK_ERROR", sent=False),
    ssl.SSLSyscallError: Fault("NETWORK_ERROR", sent=False),
    asyncio.IncompleteReadError: Fault("NETWORK_ERROR"),
    TimeoutError: Fault("TIMEOUT"),
    OSError: Fault("NETWORK_ERROR"),
    json.JSONDecodeError: Fault("INVALID_RESPONSE"),
    zlib.error: Fault("INVALID_RESPONSE"),
    UnicodeEncodeError: Fault("INVALID_REQUEST", sent=False),
    UnicodeDecodeError: Fault("INVALID_RESPONSE"),
    UnicodeError: Fault("ENDPOINT_NOT_FOUND", sent=False),
}


def error_of_exception(exception: BaseException) -> OpenAIServiceError:
    """The error for anything the SDK, httpx2 or the standard library raised during a call."""
    chain = list(_chain(exception))
    for link in chain:
        if isinstance(link, openai.APIStatusError):
            return error_of_answer(answer_of(link.response))
    fault = _fault_of_chain(chain)
    names = list(dict.fromkeys(type(link).__name__ for link in chain))[:4]
    return error_from_code(fault.code, detail=mask(" < ".join(names)), maybe_processed=fault.sent)


def _fault_of_chain(chain: list[BaseException]) -> Fault:
    """The most telling link: TLS, then httpx2's word for the phase, then whatever is known.

    A TLS failure stands only in the context of the connection error that wraps it. Once a
    connection is open, a TLS alert is one more way to lose it.
    """
    if any(isinstance(link, httpx2.ConnectError) for link in chain):
        for link in chain:
            if isinstance(link, ssl.SSLError):
                return _fault_of(type(link))
    for wanted in (httpx2.HTTPError, httpx2.InvalidURL, openai.OpenAIError, BaseException):
        for link in chain:
            if isinstance(link, wanted):
                return _fault_of(type(link))
    raise AssertionError("a chain has at least one link")


def _fault_of(exception: type[BaseException]) -> Fault:
    internal = Fault("INTERNAL_ERROR", sent=True)
    return next((FAULTS[c] for c in exception.__mro__ if c in FAULTS), internal)


def _chain(exception: BaseException | None, depth: int = 0) -> Iterator[BaseException]:
    """Causes and contexts: httpcore2 raises `from None`, so the reason is only in `__context__`."""
    if exception is not None and depth < 20:
        yield exception
        yield from _chain(exception.__cause__ or exception.__context__, depth + 1)


def answer_of(response: httpx2.Response) -> HttpAnswer:
    return HttpAnswer(
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=response.content,
    )

"""aiohttp's failures in httpx2's words: each class by name, and none with the key in it."""

from __future__ import annotations

import traceback
from typing import Any

import aiohttp
import httpx2
import pytest
from aiohttp import http_exceptions

from operations.openai_service.classify import FAULTS
from operations.openai_service.network import TRANSLATION
from operations.tests.test_classify import subclasses
from operations.tests.test_openai_service import KEY, RawServer, failure, raw

__all__ = ["raw"]


def full_name(cls: Any) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


@pytest.mark.parametrize(
    "cls",
    sorted(
        {*subclasses(aiohttp.ClientError), *subclasses(http_exceptions.HttpProcessingError)},
        key=full_name,
    ),
    ids=full_name,
)
def test_every_failure_of_aiohttp_has_a_word_of_httpx2(cls: type[BaseException]) -> None:
    word = next(TRANSLATION[c] for c in cls.__mro__ if c in TRANSLATION)

    assert word in FAULTS
    assert (
        word is not httpx2.TransportError
        or "Redirect" in cls.__name__
        or cls in (aiohttp.client_exceptions.UploadAbortedError,)
    )


@pytest.mark.parametrize(
    "cls",
    [aiohttp.ClientConnectorError, aiohttp.ClientConnectorDNSError, aiohttp.ConnectionTimeoutError],
    ids=lambda cls: cls.__name__,
)
def test_failure_to_connect_was_not_sent(cls: type[BaseException]) -> None:
    word = next(TRANSLATION[c] for c in cls.__mro__ if c in TRANSLATION)

    assert not FAULTS[word].sent


def test_key_is_in_no_cause(raw: RawServer) -> None:
    raw.answer = b"\x15\x03\x01 no HTTP at all\r\n\r\n"

    error = failure(raw.credential)

    link: Any = error
    while link is not None:
        assert KEY not in repr(link)
        assert KEY not in "".join(traceback.format_exception(link))
        link = link.__cause__ or link.__context__


@pytest.mark.parametrize(
    "body",
    [b'{"a": 1}{"b": 2}', b'{"a": 1}'],
    ids=["longer than it said", "as long as it said"],
)
def test_longer_answer_is_unusable_and_not_asked_for_again(raw: RawServer, body: bytes) -> None:
    raw.keeps_alive = True
    credential = raw.says("200 OK", body, length=8)

    error = failure(credential)

    assert error.error_code == "INVALID_RESPONSE"
    assert not error.retried


def test_answer_that_is_no_http_is_not_taken_for_a_longer_one(raw: RawServer) -> None:
    raw.answer = b"junk, and more of it\r\n\r\n"

    assert failure(raw.credential).error_code == "NETWORK_ERROR"

"""One question, one HTTP call, one reply or one error of ours.

The SDK keeps authentication, headers and time-outs; its retries are off, its models unused. One
pool of connections per process and event loop, made after the fork: a client shared over `fork()`
gives one process the answer of another.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from weakref import WeakKeyDictionary

import httpx2
import openai
from django.conf import settings
from openai._models import FinalRequestOptions

from operations.capabilities import Form, Lesson, StepsDown, learn
from operations.credentials import Credential, base_url_fault, key_fault
from operations.errors import (
    AuthenticationError,
    InvalidRequestError,
    OpenAIServiceError,
)
from operations.kinds import ProviderReply, ProviderRequest
from operations.masking import remember_secret
from operations.openai_service.answer import HttpAnswer, error_body
from operations.openai_service.classify import error_of_answer, error_of_exception
from operations.openai_service.decode import read_completion
from operations.openai_service.network import Network
from operations.openai_service.proxies import unwrapped
from operations.openai_service.requesting import encode, form_for, lesson_of, limit_names
from operations.openai_service.retry_after import rate_limits_of
from operations.openai_service.simulated import Simulated
from operations.openai_service.transport import CallNote, ExchangeClient, current_call, parsed

_OPTIONS = FinalRequestOptions.construct(method="post", url="", idempotency_key="none is sent")
"""Of every call, less its address and body. To make them anew, as `post` does, is a seventh of what
a call costs. The SDK would make a random idempotency key, and OpenAI's has no header for it."""

CONNECT_SECONDS = 10.0
KEEPALIVE_SECONDS = 30.0
MAX_CLIENTS = 64
"""Of the SDK's light objects, one for each key in use; the connections below are shared."""


async def ask(
    request: ProviderRequest,
    *,
    credential: Credential,
    timeout_seconds: float,
    form: Form | None = None,
) -> ProviderReply:
    """Exactly one HTTP call, ended after `timeout_seconds` whatever the other side does. `form`:
    another one than this server is asked in now; nothing is learned from its refusal.

    Raises only subclasses of OpenAIServiceError; cancellation and the end of the process pass.
    """
    refuse_unusable(credential)
    model = request.model or settings.OPENAI_MODEL
    chosen = form or form_for(credential, model)
    body = encode(request, model, chosen, limit_names(credential.base_url))
    answer = await _send(body, credential, timeout_seconds)
    rate_limits = rate_limits_of(answer.headers)
    try:
        if not 200 <= answer.status < 300:
            refusal = error_of_answer(answer)
            if form is None:
                _learn(refusal, answer, chosen, credential, model, steady=request.steady)
            raise refusal
        completion = read_completion(
            answer,
            model=model,
            base_url=credential.base_url,
            schema=request.schema,
            name=request.kind,
        )
    except OpenAIServiceError as error:
        error.rate_limits = rate_limits
        raise
    return ProviderReply(
        content=completion.content,
        model=completion.usage.model,
        usage=completion.usage,
        provider_request_id=completion.request_id,
        simulated=credential.simulated,
        http_status=answer.status,
        rate_limits=rate_limits,
    )


async def ask_stepping_down(
    request: ProviderRequest, *, credential: Credential, timeout_seconds: float
) -> ProviderReply:
    """As `ask`, and again where the server refused the form of the request, as often as a run may:
    for who keeps no ledger."""
    steps = StepsDown()
    while True:
        try:
            return await ask(request, credential=credential, timeout_seconds=timeout_seconds)
        except OpenAIServiceError as error:
            if not steps.take(error):
                raise


async def close() -> None:
    """Close the connections of this process's running event loop; the next call opens new ones."""
    pool = _pools.pop(asyncio.get_running_loop(), None)
    if pool is not None:
        await pool.aclose()


def refuse_unusable(credential: Credential) -> None:
    """A key that cannot be a header or an address that is none: said by name, and nothing sent.

    The SDK would report either as a connection error, and print the key in its cause.
    """
    if fault := key_fault(credential.api_key):
        raise AuthenticationError(
            "INVALID_API_KEY", detail=f"the key cannot be sent: {fault}", maybe_processed=False
        )
    if fault := base_url_fault(credential.base_url):
        raise InvalidRequestError(
            "ENDPOINT_NOT_FOUND", detail=f"the base URL: {fault}", maybe_processed=False
        )


def _learn(
    error: OpenAIServiceError,
    answer: HttpAnswer,
    form: Form,
    credential: Credential,
    model: str,
    *,
    steady: bool,
) -> None:
    """Where the refusal was about the form: what to ask for from now on."""
    body = unwrapped(error_body(answer.body), answer.headers)
    limits = limit_names(credential.base_url)
    if simpler := lesson_of(error, body, answer.status, form, limits, steady=steady):
        error.lesson = Lesson(credential.label, model, simpler)
        error.maybe_processed = False  # also where it came as a 500
        error.detail += f", next asked as {simpler}"
        learn(error.lesson)


async def _send(body: bytes, credential: Credential, timeout_seconds: float) -> HttpAnswer:
    # Half of the time, so that our own shortage is not taken for the provider's slowness.
    note = CallNote(patience_seconds=timeout_seconds / 2)
    token = current_call.set(note)
    try:
        async with asyncio.timeout(timeout_seconds):
            address = f"{credential.base_url}/chat/completions"
            options = _OPTIONS.model_copy(update={"url": address, "content": body})
            await sdk_client(credential).request(httpx2.Response, options)
        return note.answer()
    except OpenAIServiceError:
        raise
    except openai.APIStatusError:  # the SDK's verdict; ours is made from the answer itself
        return note.answer()
    except Exception as error:  # the SDK leaks what it did not foresee: see classify.FAULTS
        raise _error_of(error, note) from _safe_cause(error)
    finally:
        current_call.reset(token)


def _error_of(error: Exception, note: CallNote) -> OpenAIServiceError:
    """An answer that began as an error and broke off is that error."""
    if note.status is not None and note.status >= 300:
        return error_of_answer(note.answer())
    failure = error_of_exception(error)
    if note.status is not None:
        failure.http_status = note.status
        failure.provider_request_id = note.answer().request_id
    return failure


def _safe_cause(error: BaseException | None) -> BaseException | None:
    """LocalProtocolError quotes the header that it refused, and that is the key's."""
    link = error
    while link is not None:
        if isinstance(link, httpx2.LocalProtocolError):
            return httpx2.LocalProtocolError("a header that cannot be sent")
        link = link.__cause__ or link.__context__
    return error


class Client(openai.AsyncOpenAI):
    """The SDK's, which would parse the same address for each call anew (docs/performance.md)."""

    def _prepare_url(self, url: str) -> httpx2.URL:
        return parsed(url)


class _Pool:
    """The connections of one event loop, and the SDK's clients that use them."""

    def __init__(self) -> None:
        self._http: dict[bool, ExchangeClient] = {}
        self._clients: OrderedDict[Credential, openai.AsyncOpenAI] = OrderedDict()

    def client(self, credential: Credential) -> openai.AsyncOpenAI:
        client = self._clients.get(credential)
        if client is None:
            client = self._clients[credential] = self._new_client(credential)
            if len(self._clients) > MAX_CLIENTS:
                self._clients.popitem(last=False)
        self._clients.move_to_end(credential)
        return client

    def _new_client(self, credential: Credential) -> openai.AsyncOpenAI:
        if not credential.simulated:  # a stand-in, and the name of the model that answers
            remember_secret(credential.api_key)
        client = Client(
            api_key=credential.api_key,
            base_url=credential.base_url,
            max_retries=0,
            http_client=self._http_client(simulated=credential.simulated),
        )
        if credential.own_key:
            # Those of the environment belong to the installation's key.
            client.organization = client.project = None
        return client

    def _http_client(self, *, simulated: bool) -> ExchangeClient:
        if simulated not in self._http:
            self._http[simulated] = ExchangeClient(Simulated() if simulated else _network())
        return self._http[simulated]

    async def aclose(self) -> None:
        self._clients.clear()
        for http in self._http.values():
            await http.aclose()


def _network() -> Network:
    return Network(
        most=settings.OPERATIONS_CONCURRENCY,
        connect_seconds=CONNECT_SECONDS,
        keepalive_seconds=KEEPALIVE_SECONDS,
    )


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, _Pool] = WeakKeyDictionary()
_inherited: list[object] = []


def _forget_inherited() -> None:
    """In a forked child. The parent's pools are kept but never used: dropping them could close
    what the parent still needs."""
    global _pools
    _inherited.append(_pools)
    _pools = WeakKeyDictionary()


os.register_at_fork(after_in_child=_forget_inherited)


def sdk_client(credential: Credential) -> openai.AsyncOpenAI:
    """This process's client for the credential, on the running event loop."""
    loop = asyncio.get_running_loop()
    pool = _pools.get(loop)
    if pool is None:
        pool = _pools[loop] = _Pool()
    return pool.client(credential)

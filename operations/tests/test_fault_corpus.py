"""Every fault of the corpus, over real sockets, on the transport used in production."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from operations import openai_service
from operations.credentials import Credential, installation_credential, make_credential
from operations.errors import InvalidResponseError, OpenAIServiceError, category_of
from operations.kinds import ProviderReply, ProviderRequest
from operations.openai_service.client import sdk_client
from operations.tests.fault_server import FaultServer, load_corpus

CORPUS = load_corpus()
STREAMED = [name for name, case in CORPUS.items() if case["how"] == "stream"]
CLIENT_SIDE = [name for name in CORPUS if name.startswith("client_")]
# Two calls on one connection: see the test of its own below.
SERVED = [
    name for name in CORPUS if name not in {*STREAMED, *CLIENT_SIDE, "tr_keepalive_closed_on_reuse"}
]
# These end by our time-out; the others must not have to wait for it.
HANGING = [name for name in SERVED if CORPUS[name]["error_code"] == "TIMEOUT"]

KEY = "sk-proj-CANARY-0123456789abcdef"
SECRETS = (KEY, "CANARY", "SECRETSECRET", "CONFIDENTIAL", "org-", "I would fight")

pytestmark = pytest.mark.usefixtures("no_proxies")


class Judgement(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    score: int = Field(ge=0, le=10)
    feedback: str


REQUEST = ProviderRequest(
    kind="judgement",
    messages=({"role": "user", "content": "Judge this."},),
    schema=Judgement.model_json_schema() | {"additionalProperties": False},
    prompt_version="judgement/1",
)


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(scale=0.4, tls=True) as running:
        yield running


async def call(
    credential: Credential, *, timeout: float = 3.0, request: ProviderRequest = REQUEST
) -> ProviderReply:
    """Ask and check the schema, as a run does."""
    reply = await openai_service.ask(request, credential=credential, timeout_seconds=timeout)
    try:
        Judgement.model_validate(reply.content)
    except ValidationError:
        raise InvalidResponseError("SCHEMA_MISMATCH") from None
    return reply


def run(coroutine: Awaitable[Any]) -> Any:
    async def closing() -> Any:
        try:
            return await coroutine
        finally:
            await openai_service.close()

    return asyncio.run(closing())


def outcome(credential: Credential, **values: Any) -> OpenAIServiceError | None:
    """The error of one call, or None where the reply is usable."""
    try:
        run(call(credential, **values))
    except OpenAIServiceError as error:
        return error
    return None


def assert_labelled(name: str, error: OpenAIServiceError | None) -> None:
    case = CORPUS[name]
    if error is None:
        assert case["expected_category"] == "ok" or case.get("lenient"), case["error_code"]
        return
    assert (str(error.category), error.error_code) == (
        case["expected_category"],
        case["error_code"],
    ), error.detail
    assert error.retried is case["retriable"]
    assert_discreet(error)


def assert_discreet(error: OpenAIServiceError) -> None:
    """Neither the key nor what anybody wrote is in what may be kept, logged or shown."""
    kept = f"{error!r} {error} {error.detail} {error.message} {pickle.dumps(error)!r}"
    assert not [secret for secret in SECRETS if secret in kept], error.detail


def test_corpus_is_whole() -> None:
    assert len(CORPUS) == 192
    assert len(STREAMED) == 32  # the product does not stream: not applicable
    assert len(SERVED) + 1 + len(CLIENT_SIDE) == 160


@pytest.mark.parametrize("name", SERVED)
def test_served_fault_gets_its_label(name: str, server: FaultServer) -> None:
    spec = f"{name}~label"
    credential = make_credential(KEY, base_url=server.url(spec))

    error = outcome(credential, timeout=0.3 if name in HANGING else 3.0)

    assert_labelled(name, error)
    assert len(server.requests(spec)) == 1


def test_connection_closed_on_reuse_is_a_network_error(server: FaultServer) -> None:
    name = "tr_keepalive_closed_on_reuse"
    credential = make_credential(KEY, base_url=server.url(f"{name}~reuse"))

    async def two_calls() -> None:
        await call(credential)
        await call(credential)

    with pytest.raises(OpenAIServiceError) as caught:
        run(two_calls())

    assert_labelled(name, caught.value)


Case = Callable[[FaultServer, pytest.MonkeyPatch, Any], OpenAIServiceError | None]
CLIENT_CASES: dict[str, Case] = {}


def client_case(function: Case) -> Case:
    CLIENT_CASES[function.__name__] = function
    return function


def test_every_client_side_case_is_set_up() -> None:
    assert sorted(CLIENT_CASES) == sorted(CLIENT_SIDE)


@pytest.mark.parametrize("name", CLIENT_SIDE)
def test_client_side_fault_gets_its_label(
    name: str, server: FaultServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    error = CLIENT_CASES[name](server, monkeypatch, settings)

    if name != "client_cancelled":
        assert error is not None
        assert_labelled(name, error)


def at(base_url: str, key: str = KEY) -> Credential:
    return make_credential(key, base_url=base_url)


@client_case
def client_connection_refused(server: FaultServer, *_: Any) -> OpenAIServiceError | None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return outcome(at(f"http://127.0.0.1:{port}/v1"))


def resolving(
    monkeypatch: pytest.MonkeyPatch, resolve: Callable[..., Any]
) -> OpenAIServiceError | None:
    """A call whose host name meets this resolver; no packet leaves the machine."""
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return outcome(at("http://provider.invalid/v1"), timeout=0.3)


@client_case
def client_dns_failure(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> OpenAIServiceError | None:
    def resolve(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    return resolving(monkeypatch, resolve)


@client_case
def client_dns_temporary(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> OpenAIServiceError | None:
    def resolve(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    return resolving(monkeypatch, resolve)


@client_case
def client_dns_hang(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> OpenAIServiceError | None:
    woken = threading.Event()

    def resolve(*_: Any, **__: Any) -> None:
        woken.wait(0.8)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    return resolving(monkeypatch, resolve)


@client_case
def client_connect_timeout(server: FaultServer, *_: Any) -> OpenAIServiceError | None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _i in range(4):  # fill the backlog: the next SYN is dropped
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        return outcome(at(f"http://127.0.0.1:{listener.getsockname()[1]}/v1"), timeout=0.4)


@client_case
def client_tls_wrong_version(server: FaultServer, *_: Any) -> OpenAIServiceError | None:
    return outcome(at(f"https://127.0.0.1:{server.port}/v1"))


@client_case
def client_tls_self_signed(server: FaultServer, *_: Any) -> OpenAIServiceError | None:
    return outcome(at(server.url("ok", tls=True)))


@client_case
def client_tls_closed_in_handshake(server: FaultServer, *_: Any) -> OpenAIServiceError | None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(4096)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        error = outcome(at(f"https://127.0.0.1:{listener.getsockname()[1]}/v1"))
        thread.join()
    return error


@client_case
def client_proxy_407_connect(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> OpenAIServiceError | None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    return outcome(at("https://provider.invalid/v1"))


@client_case
def client_proxy_refused(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> OpenAIServiceError | None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{probe.getsockname()[1]}")
    return outcome(at("https://provider.invalid/v1"))


@client_case
def client_pool_timeout(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> OpenAIServiceError | None:
    settings.OPERATIONS_CONCURRENCY = 1
    busy = at(server.url("tr_read_timeout~pool"))

    async def two_at_once() -> OpenAIServiceError:
        first = asyncio.create_task(call(busy, timeout=5))
        await asyncio.sleep(0.1)
        with pytest.raises(OpenAIServiceError) as caught:
            await call(at(server.url("ok~pool")), timeout=0.4)
        first.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await first
        return caught.value

    error: OpenAIServiceError = run(two_at_once())
    assert not error.maybe_processed
    return error


@client_case
def client_key_trailing_newline(server: FaultServer, *_: Any) -> OpenAIServiceError | None:
    return outcome(at(server.url("ok~newline"), key=f"{KEY}\n"))


@client_case
def client_key_non_ascii(server: FaultServer, *_: Any) -> OpenAIServiceError | None:
    return outcome(at(server.url("ok~ascii"), key=f"{KEY}é"))


@client_case
def client_key_blank(server: FaultServer, *_: Any) -> OpenAIServiceError | None:
    return outcome(at(server.url("ok~blank"), key="   "))


@client_case
def client_key_missing(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> OpenAIServiceError | None:
    settings.OPENAI_API_KEY = settings.OPENAI_BASE_URL = ""
    settings.DEBUG = settings.SIMULATED_PROVIDER = False
    with pytest.raises(OpenAIServiceError) as caught:
        installation_credential()
    return caught.value


@client_case
def client_base_url_no_scheme(server: FaultServer, *_: Any) -> OpenAIServiceError | None:
    return outcome(at("api.openai.com/v1"))


@client_case
def client_base_url_ftp(server: FaultServer, *_: Any) -> OpenAIServiceError | None:
    return outcome(at("ftp://127.0.0.1/v1"))


@client_case
def client_base_url_garbage(server: FaultServer, *_: Any) -> OpenAIServiceError | None:
    return outcome(at("http://[::1/v1"))


@client_case
def client_base_url_long_label(server: FaultServer, *_: Any) -> OpenAIServiceError | None:
    return outcome(at(f"http://{'a' * 70}.invalid/v1"))


@client_case
def client_unserialisable_prompt(server: FaultServer, *_: Any) -> OpenAIServiceError | None:
    request = ProviderRequest(
        kind="judgement",
        messages=({"role": "user", "content": "CONFIDENTIAL \ud83d"},),
        schema={},
        prompt_version="judgement/1",
    )
    return outcome(at(server.url("ok~surrogate")), request=request)


@client_case
def client_closed(server: FaultServer, *_: Any) -> OpenAIServiceError | None:
    credential = at(server.url("ok~closed"))

    async def closed_below() -> None:
        await sdk_client(credential).close()
        await call(credential)

    with pytest.raises(OpenAIServiceError) as caught:
        run(closed_below())
    assert category_of(caught.value.error_code) == "internal"
    return caught.value


@client_case
def client_cancelled(server: FaultServer, *_: Any) -> OpenAIServiceError | None:
    async def cancelled() -> None:
        task = asyncio.create_task(call(at(server.url("tr_read_timeout~cancel")), timeout=5))
        await asyncio.sleep(0.1)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        run(cancelled())
    return None


@pytest.mark.parametrize("name", ["tr_read_timeout", "tr_stall_mid_body", "tr_slow_drip"])
def test_whole_call_ends_on_time(name: str, server: FaultServer) -> None:
    credential = make_credential(KEY, base_url=server.url(f"{name}~deadline"))

    async def timed() -> float:
        loop = asyncio.get_running_loop()
        started = loop.time()
        with pytest.raises(OpenAIServiceError):
            await call(credential, timeout=0.25)
        return loop.time() - started

    assert 0.2 < run(timed()) < 0.6

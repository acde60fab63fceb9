"""One call over the wire: what is sent, what is bounded, what is shared and with whom."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import zlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from operations import openai_service
from operations.credentials import Credential, make_credential
from operations.errors import Category, OpenAIServiceError
from operations.kinds import ProviderReply, ProviderRequest
from operations.openai_service import client
from operations.openai_service.client import sdk_client
from operations.openai_service.transport import MAX_BODY_BYTES
from operations.tests.examples import examples
from operations.tests.fault_server import FaultServer

KEY = "sk-proj-CANARY0123456789"
SCHEMA = {
    "type": "object",
    "properties": {"quote": {"type": "string"}},
    "required": ["quote"],
    "additionalProperties": False,
}
GOOD = json.dumps({"choices": [{"message": {"content": "{}"}, "finish_reason": "stop"}]}).encode()


def request(text: str = "one two three") -> ProviderRequest:
    return ProviderRequest(
        kind="quoting",
        messages=({"role": "user", "content": text},),
        schema=SCHEMA,
        prompt_version="quoting/1",
    )


def run(coroutine: Awaitable[Any]) -> Any:
    async def closing() -> Any:
        try:
            return await coroutine
        finally:
            await openai_service.close()

    return asyncio.run(closing())


async def ask(credential: Credential, timeout: float = 2.0, **values: Any) -> ProviderReply:
    return await openai_service.ask(
        request(**values), credential=credential, timeout_seconds=timeout
    )


def failure(credential: Credential, **values: Any) -> OpenAIServiceError:
    with pytest.raises(OpenAIServiceError) as caught:
        run(ask(credential, **values))
    return caught.value


class RawServer:
    """Answers every connection with the bytes it is told to, and keeps what it was sent."""

    def __init__(self) -> None:
        self.answer = b""
        self.stalls = False
        self.keeps_alive = False
        self.connections = 0
        self.requests: list[bytes] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._ready = threading.Event()
        self._thread.start()
        self._ready.wait()

    @property
    def credential(self) -> Credential:
        return make_credential(KEY, base_url=f"http://127.0.0.1:{self.port}/v1")

    def says(self, head: str, body: bytes = b"", *, length: int | None = None) -> Credential:
        size = len(body) if length is None else length
        connection = "keep-alive" if self.keeps_alive else "close"
        end = f"Content-Length: {size}\r\nConnection: {connection}\r\n\r\n"
        self.answer = f"HTTP/1.1 {head}\r\n{end}".encode("latin-1") + body
        return self.credential

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._answer_one(reader, writer)
            while self.keeps_alive:
                await self._answer_one(reader, writer)
            if self.stalls:
                await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        self.requests.append(head + await reader.readexactly(size))
        writer.write(self.answer)
        await writer.drain()


@pytest.fixture
def raw() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


# --- what is sent ---------------------------------------------------------------------------------


def test_call_is_one_chat_completion_with_a_strict_schema(raw: RawServer, settings: Any) -> None:
    settings.OPENAI_MODEL = "some-model"

    run(ask(raw.says("200 OK", GOOD)))

    (sent,) = raw.requests
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1")
    assert b"authorization: bearer " + KEY.lower().encode() in head.lower()
    assert b"accept-encoding: identity" in head.lower()
    assert json.loads(body) == {
        "model": "some-model",
        "messages": [{"role": "user", "content": "one two three"}],
        "stream": False,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "quoting", "strict": True, "schema": SCHEMA},
        },
    }


def test_own_key_does_not_travel_with_the_installations_organisation(
    raw: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-the-installation")
    raw.says("200 OK", GOOD)
    url = raw.credential.base_url

    run(ask(make_credential(KEY, base_url=url, owner_id=1)))
    run(ask(make_credential(KEY, base_url=url)))

    own, ours = raw.requests
    assert b"org-of-the-installation" not in own
    assert b"org-of-the-installation" in ours


def test_cookie_of_one_answer_is_not_sent_again(raw: RawServer) -> None:
    credential = raw.says("200 OK\r\nSet-Cookie: session=abc", GOOD)

    async def twice() -> None:
        await ask(credential)
        await ask(credential)

    run(twice())

    assert b"session=abc" not in raw.requests[1]


def test_unusable_key_is_never_sent(raw: RawServer) -> None:
    raw.says("200 OK", GOOD)

    error = failure(make_credential(f"{KEY}\n", base_url=raw.credential.base_url))

    assert error.error_code == "INVALID_API_KEY"
    assert raw.requests == []
    assert KEY not in f"{error!r} {error} {error.detail} {error.__cause__!r}"


# --- what is bounded ------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate"])
def test_packed_answer_is_unpacked_although_we_did_not_ask(raw: RawServer, encoding: str) -> None:
    wbits = {"gzip": 31, "deflate": 15, "raw deflate": -15}[encoding]
    packer = zlib.compressobj(wbits=wbits)
    body = packer.compress(GOOD) + packer.flush()
    credential = raw.says(f"200 OK\r\nContent-Encoding: {encoding.split()[-1]}", body)

    assert run(ask(credential)).content == {}


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_bomb_is_refused_before_it_is_unpacked(raw: RawServer, encoding: str) -> None:
    packer = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    bomb = packer.compress(b" " * (50 * MAX_BODY_BYTES)) + packer.flush()

    error = failure(raw.says(f"200 OK\r\nContent-Encoding: {encoding}", bomb))

    assert error.error_code == "RESPONSE_TOO_LARGE"


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ("429 Too Many\r\nRetry-After: 7", "RATE_LIMIT_EXCEEDED"),
        ("500 Oops", "SERVER_ERROR"),
        ("401 No", "INVALID_API_KEY"),
    ],
)
@pytest.mark.parametrize("stalls", [False, True], ids=["cut", "stalled"])
def test_error_that_breaks_off_keeps_its_status(
    raw: RawServer, head: str, code: str, stalls: bool
) -> None:
    raw.stalls = stalls
    credential = raw.says(f"{head}\r\nx-request-id: req_7", b'{"error": {"mess', length=500)

    error = failure(credential, timeout=0.3 if stalls else 2.0)

    assert (error.error_code, error.http_status) == (code, int(head[:3]))
    assert error.provider_request_id == "req_7"
    assert error.retry_after == (7.0 if head.startswith("429") else None)


def test_answer_that_breaks_off_is_a_network_error(raw: RawServer) -> None:
    error = failure(raw.says("200 OK\r\nx-request-id: req_7", GOOD, length=len(GOOD) + 9))

    assert (error.error_code, error.http_status) == ("NETWORK_ERROR", 200)
    assert error.maybe_processed


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:1/v1", "/elsewhere", "http://[", "ftp://x/"]
)
def test_redirect_is_not_followed(raw: RawServer, location: str) -> None:
    error = failure(raw.says(f"307 Elsewhere\r\nLocation: {location}"))

    assert error.error_code == "REDIRECT_ERROR"
    assert len(raw.requests) == 1


def test_endless_interim_answers_end_on_time(raw: RawServer) -> None:
    raw.answer = b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000
    raw.stalls = True

    assert failure(raw.credential, timeout=0.3).error_code == "TIMEOUT"


# --- what is shared -------------------------------------------------------------------------------


def test_client_is_reused_on_one_loop_and_not_on_another() -> None:
    credential = make_credential(KEY, base_url="http://127.0.0.1:1/v1")

    async def two() -> tuple[object, object]:
        return sdk_client(credential), sdk_client(credential)

    first, again = run(two())
    other, _ = run(two())

    assert first is again
    assert other is not first


def test_connection_is_used_again(raw: RawServer) -> None:
    raw.keeps_alive = True
    credential = raw.says("200 OK", GOOD)

    async def in_turn() -> None:
        for _ in range(5):
            await ask(credential)

    run(in_turn())

    assert len(raw.requests) == 5
    assert raw.connections == 1


def test_number_of_connections_is_bounded(raw: RawServer, settings: Any) -> None:
    settings.OPERATIONS_CONCURRENCY = 3
    raw.keeps_alive = True
    credential = raw.says("200 OK", GOOD)

    async def at_once() -> None:
        await asyncio.gather(*(ask(credential) for _ in range(12)))

    run(at_once())

    assert len(raw.requests) == 12
    assert raw.connections == 3


def test_number_of_clients_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_CLIENTS", 3)

    def credential(n: int) -> Credential:
        return make_credential(f"{KEY}{n}", base_url="http://127.0.0.1:1/v1", owner_id=1)

    async def many() -> tuple[object, object, object]:
        oldest = sdk_client(credential(0))
        for n in range(1, 3):
            sdk_client(credential(n))
        used = sdk_client(credential(0))
        sdk_client(credential(3))
        return oldest, used, sdk_client(credential(0))

    oldest, used, kept = run(many())

    assert oldest is used is kept


def test_two_keys_at_once_get_their_own_answers() -> None:
    with FaultServer() as server:
        keys = [make_credential(f"{KEY}{n}", base_url=server.url("ok")) for n in range(20)]

        async def all_at_once() -> list[ProviderReply]:
            return await asyncio.gather(
                *(ask(key, text=f"words of {n}") for n, key in enumerate(keys))
            )

        replies = run(all_at_once())

    assert [reply.content for reply in replies] == [
        {"quote": f"words of {n}"} for n in range(len(keys))
    ]


FORKING = """
import asyncio, os, sys
import django
django.setup()
from operations import openai_service
from operations.credentials import make_credential
from operations.kinds import ProviderRequest

credential = make_credential("sk-proj-forking", base_url=sys.argv[1])
SCHEMA = {"type": "object", "properties": {"quote": {"type": "string"}}}


async def ask(words):
    request = ProviderRequest("quoting", ({"role": "user", "content": words},), SCHEMA, "1")
    reply = await openai_service.ask(request, credential=credential, timeout_seconds=10)
    return reply.content == {"quote": words}


async def ask_often(name):
    return all([await ask(f"process {name} call {n}") for n in range(25)])

parent = asyncio.Runner()
assert parent.run(ask("the parent opens a connection"))
children = []
for name in "ab":
    pid = os.fork()
    if not pid:
        os._exit(0 if asyncio.run(ask_often(name)) else 1)
    children.append(pid)
answers = [parent.run(ask_often("parent"))]
answers += [os.waitpid(pid, 0)[1] == 0 for pid in children]
parent.run(openai_service.close())
parent.close()
sys.exit(0 if all(answers) else 1)
"""


def test_forked_processes_never_read_each_others_answers(settings: Any) -> None:
    with FaultServer() as server:
        done = subprocess.run(
            [sys.executable, "-c", FORKING, server.url("ok")],
            env=os.environ,
            cwd=settings.BASE_DIR,
            capture_output=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 0, done.stderr.decode()[-2000:]


# --- whatever comes -------------------------------------------------------------------------------

CATEGORIES = set(Category)

FIELDS = [
    *("error", "choices", "message", "content", "code", "type", "finish_reason", "detail"),
    *("usage", "metadata", "raw", "details", "param", "prompt_tokens", "model", "id"),
]
HEADERS = [
    *("Retry-After", "retry-after-ms", "x-should-retry", "Content-Encoding", "Content-Type"),
    *("x-request-id", "Location", "Set-Cookie", "WWW-Authenticate"),
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
bodies = st.binary(max_size=300) | json_values.map(lambda v: json.dumps(v).encode())
header_values = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
headers = st.dictionaries(
    st.sampled_from(HEADERS),
    header_values | st.sampled_from(["gzip", "deflate", "nan", "-1", "1e999", "false", "9" * 400]),
    max_size=4,
)


@pytest.fixture(scope="module")
def shared_raw() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def runner() -> Iterator[Callable[[Any], Any]]:
    with asyncio.Runner() as running:
        yield running.run
        running.run(openai_service.close())


def ends_well(run_here: Callable[[Any], Any], credential: Credential) -> None:
    result = run_here(reply_or_error(credential))

    if isinstance(result, OpenAIServiceError):
        assert result.category in CATEGORIES
        assert result.error_code != "INTERNAL_ERROR", result.detail
        json.dumps([result.detail, result.provider_request_id]).encode()
    else:
        json.dumps(result.content, allow_nan=False).encode()


async def reply_or_error(credential: Credential) -> ProviderReply | OpenAIServiceError:
    try:
        return await ask(credential, timeout=5.0)
    except OpenAIServiceError as error:
        return error


UNHURRIED = hypothesis_settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@UNHURRIED
@given(status=st.integers(200, 999), fields=headers, body=bodies)
def test_any_answer_becomes_a_reply_or_an_error_of_ours(
    shared_raw: RawServer,
    runner: Callable[[Any], Any],
    status: int,
    fields: dict[str, str],
    body: bytes,
) -> None:
    lines = "".join(f"\r\n{name}: {value}" for name, value in fields.items())

    ends_well(runner, shared_raw.says(f"{status} Odd{lines}", body))


@UNHURRIED
@given(answer=st.binary(max_size=200))
def test_any_bytes_become_an_error_of_ours(
    shared_raw: RawServer, runner: Callable[[Any], Any], answer: bytes
) -> None:
    shared_raw.answer = answer

    ends_well(runner, shared_raw.credential)

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from config.tests.production import Production, rest
from operations.tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

ANNOUNCED = 5_000_000


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    directory = tmp_path_factory.mktemp("production")
    production = Production(directory, free_port(), {"API_THROTTLES": "false"})
    try:
        production.start()
        yield production
    finally:
        production.stop()


@pytest.mark.parametrize("path", ["/sign-in/", "/api/v1/auth/login/"])
def test_twelve_idle_bodies_do_not_hold_up_the_site(path: str, production: Production) -> None:
    idle = [production.begin_body(path, length=ANNOUNCED) for _ in range(12)]
    time.sleep(0.3)

    # Each on a connection of its own: either process may get it, and both have to answer.
    took = [seconds_to_look(production) for _ in range(6)]

    close_all(idle)
    assert max(took) < 5


def test_body_below_the_minimum_rate_is_ended_with_408(production: Production) -> None:
    with production.begin_body("/api/v1/sessions/", length=ANNOUNCED) as connection:
        began = time.monotonic()
        answer = rest(connection)
        took = time.monotonic() - began

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer
    assert 4 < took < 25


def test_slow_but_honest_upload_passes(production: Production) -> None:
    body = b'{"username": "nobody", "password": "' + b"x" * 20_000 + b'"}'
    with production.begin_body("/api/v1/auth/login/", length=len(body), sent=b"") as connection:
        for start in range(0, len(body), 3000):
            connection.sendall(body[start : start + 3000])
            time.sleep(0.9)
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 40"), answer
    assert b" 408 " not in answer[:20]


def test_slow_bodies_of_one_address_have_a_limit_and_say_when_to_come_back(
    production: Production,
) -> None:
    idle = [production.begin_body("/sign-in/", length=ANNOUNCED) for _ in range(64)]
    answers = [rest(connection) for connection in idle]

    close_all(idle)
    refused = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503 ")]
    assert len(refused) >= 64 - 2 * 16
    assert all(b"retry-after: " in answer for answer in refused)
    assert {answer[9:12] for answer in answers} <= {b"503", b"408"}


@pytest.mark.parametrize("path", ["/sign-in/", "/api/v1/auth/login/"])
def test_too_large_a_body_that_never_comes_is_refused_all_the_same(
    path: str, production: Production
) -> None:
    with production.begin_body(path, length=20_000_000) as connection:
        began = time.monotonic()
        answer = connection.recv(65536)
        took = time.monotonic() - began

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert took < 15


def test_too_large_a_body_that_comes_is_read_before_the_page_is_sent(
    production: Production,
) -> None:
    reply = production.ask("POST", "/sign-in/", b"a" * 8_000_000)

    assert reply.status == 413
    assert b"6 MB" in reply.body or b"5 MB" in reply.body


def test_body_in_chunks_is_still_refused_by_the_api(production: Production) -> None:
    head = (
        b"POST /api/v1/auth/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    )
    with production.connect(head) as connection:
        answer = rest(connection)

    assert answer.startswith(b"HTTP/1.1 411 ")


def test_a_long_file_arrives_whole(production: Production) -> None:
    reply = production.ask("GET", "/static/admin/js/vendor/jquery/jquery.js")

    assert reply.status == 200
    assert len(reply.body) == int(reply.headers["content-length"]) > 4 * 64 * 1024


def test_clients_that_go_away_leave_no_thread_and_no_place(production: Production) -> None:
    production.ask("GET", "/healthz")
    for _ in range(3):
        close_all([production.begin_body("/sign-in/", length=ANNOUNCED) for _ in range(40)])
    time.sleep(1)

    assert production.thread_count() <= 2 * (4 + 10)
    body = production.begin_body("/api/v1/auth/login/", length=2, sent=b"{")
    time.sleep(1.5)  # slow enough to need a place
    body.sendall(b"}")
    answer = body.recv(65536)
    body.close()
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_underscore_does_not_pass_for_the_header_of_a_proxy(production: Production) -> None:
    body = (
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX_Request_Id: forged\r\n"
        b"Connection: close\r\n\r\n"
    )
    with production.connect(body) as connection:
        assert b"forged" not in rest(connection)


@pytest.mark.timeout(60)
def test_headers_that_do_not_end_end_the_connection(production: Production) -> None:
    with production.connect(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ") as connection:
        began = time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            rest(connection)
        took = time.monotonic() - began

    assert took < 20


def seconds_to_look(production: Production) -> float:
    began = time.monotonic()
    assert production.ask("GET", "/healthz", timeout=8).status == 200
    return time.monotonic() - began


def close_all(connections: list[socket.socket]) -> None:
    for connection in connections:
        connection.close()


@pytest.mark.parametrize(
    ("path", "kind"), [("/", "text/html"), ("/api/v1/", "application/problem+json")]
)
@pytest.mark.parametrize("where", ["path", "query"])
def test_address_that_is_too_long_is_refused_before_a_thread_is_taken(
    path: str, kind: str, where: str, production: Production
) -> None:
    filler = "x" * 9000 if where == "path" else f"?q={'x' * 9000}"

    reply = production.ask("GET", path + filler)

    assert reply.status == 414
    assert reply.headers["content-type"].startswith(kind)
    assert "x-request-id" not in reply.headers  # Django's: nothing of it has run


def test_address_of_eight_thousand_characters_is_served(production: Production) -> None:
    assert production.ask("GET", f"/?q={'x' * 8000}").status == 200

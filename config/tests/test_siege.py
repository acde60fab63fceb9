"""A minute of everything at once from loopback, against the production command.

Bounded: at most 170 connections, 8 kB a path (a longer one is refused unread), harmless files;
paths and files come eight at a time, each again after a fifth of a second. What the attackers get
(429, 503, 408) does not matter; what one signed-in person sees in the same minute does.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from config.rsgi import THREADS
from config.tests.production import Production, Reply
from interview_app.tests.samples import STRONG_ANSWER, sample_bytes

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(240)]

SIEGE_SECONDS = 60
PACE_SECONDS = 0.5
LIMIT_SECONDS = 1.0
LIMIT_OF_USUAL = 40
"""Times the median of quiet answers, where that is more: a slow machine is no siege. Unprotected,
an answer waits for all that the attackers hold, eight seconds and more."""
QUIET_ANSWERS = 15
LONGEST_HOSTILE_PATH = "/" + "://a:" * 1600
"""As long as one that is looked at may be."""
BOUNDARY = "siege"
CSRF_TOKEN = "a" * 32
PASSWORD = "three green bicycles in a row"


@pytest.fixture
def production(tmp_path: Path, free_port: int) -> Iterator[Production]:
    production = Production(tmp_path, free_port, {"REGISTRATION_OPEN": "true"})
    try:
        production.start(worker=True)
        yield production
    finally:
        production.stop()


@dataclass
class Person:
    """Signed in before the siege; answers question after question."""

    production: Production
    token: str
    questions: Iterator[str] = field(default_factory=lambda: iter(()))
    confirmed: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def ask(self, method: str, path: str, body: dict[str, object] | None = None) -> Reply:
        return self.production.ask(
            method, f"/api/v1/{path}", body, Authorization=f"Token {self.token}"
        )

    def prepare(self) -> None:
        """Five sessions of five questions: no question is answered again while it is assessed."""
        sessions = [self._start_session() for _ in range(5)]
        found = [question for session in sessions for question in self._questions_of(session)]
        self.questions = itertools.cycle(found)

    def answer_a_question(self) -> None:
        """One POST; a refusal that names its time is waited for, and the whole of it counts."""
        began = time.monotonic()
        while True:
            reply = self.ask(
                "POST", f"questions/{next(self.questions)}/answer/", {"text": STRONG_ANSWER}
            )
            if reply.status != 503:
                break
            time.sleep(float(reply.headers.get("retry-after", "1")))
        self.seconds.append(time.monotonic() - began)
        assert reply.status in (200, 201, 202), reply.body
        self.confirmed.append(reply.data["answer"]["id"])

    def _start_session(self) -> str:
        posting = {
            "role": "Backend engineer",
            "job_description": "We bill companies: Python, PostgreSQL, on-call. " * 10,
            "question_count": 5,
        }
        reply = self.ask("POST", "sessions/", posting)
        assert reply.status == 201, reply.body
        session: str = reply.data["id"]
        return session

    def _questions_of(self, session: str) -> list[str]:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            reply = self.ask("GET", f"sessions/{session}/")
            if reply.data["status"] != "preparing":
                return [question["id"] for question in reply.data["questions"]]
            time.sleep(0.3)
        raise AssertionError(self.production.log.read_text()[-2000:])


class Siege:
    """Threads that repeat one nuisance each until the siege is over."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self._threads: list[threading.Thread] = []

    def add(self, nuisance: Callable[[], None], *, every_seconds: float = 0.05) -> None:
        self._threads.append(
            threading.Thread(target=self._repeat, args=(nuisance, every_seconds), daemon=True)
        )

    def __enter__(self) -> Siege:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join(35)

    def _repeat(self, nuisance: Callable[[], None], every_seconds: float) -> None:
        while not self.over.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                nuisance()
            self.over.wait(every_seconds)


def besieged(production: Production, uploaders: list[str]) -> Siege:
    siege = Siege()
    for _ in range(4):
        siege.add(partial(hold_headers, production, 16, siege.over))
        siege.add(partial(hold_bodies, production, 16, siege.over))
    for _ in range(8):
        siege.add(partial(ask_hostile_path, production), every_seconds=0.2)
    for number in range(20):
        siege.add(partial(sign_in_wrongly, production, number), every_seconds=1)
    for token in uploaders:
        siege.add(partial(upload, production, token), every_seconds=0.2)
    return siege


def hold_headers(production: Production, count: int, over: threading.Event) -> None:
    head = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
    hold([production.connect(head) for _ in range(count)], over)


def hold_bodies(production: Production, count: int, over: threading.Event) -> None:
    hold([production.begin_body("/sign-in/", length=5_000_000) for _ in range(count)], over)


def hold(connections: list[socket.socket], over: threading.Event) -> None:
    """A byte a second each, for as long as the server bears it, at most 10 s."""
    for _ in range(10):
        if over.wait(1):
            break
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.sendall(b"x")
    for connection in connections:
        connection.close()


def ask_hostile_path(production: Production) -> None:
    production.ask("GET", LONGEST_HOSTILE_PATH)


def sign_in_wrongly(production: Production, number: int) -> None:
    """By page and by API in turn: each hashes a password unless something refuses it before."""
    guess = f"guess{time.monotonic()}"
    if number % 2:
        body = {"username": f"victim{number}", "password": guess}
        production.ask("POST", "/api/v1/auth/login/", body)
        return
    form = f"csrfmiddlewaretoken={CSRF_TOKEN}&username=victim{number}&password={guess}"
    production.ask(
        "POST",
        "/sign-in/",
        form.encode(),
        Cookie=f"csrftoken={CSRF_TOKEN}",
        Content_Type="application/x-www-form-urlencoded",
    )


def upload(production: Production, token: str) -> None:
    production.ask(
        "PUT",
        "/api/v1/me/resume/",
        form_with(sample_bytes("resume-tomasz-okafor.docx")),
        Authorization=f"Token {token}",
        Content_Type=f"multipart/form-data; boundary={BOUNDARY}",
    )


def form_with(file: bytes) -> bytes:
    head = (
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=file; filename=resume.docx\r\n"
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode() + file + f"\r\n--{BOUNDARY}--\r\n".encode()


def signed_in(production: Production, name: str) -> str:
    account = {"username": name, "password": PASSWORD}
    production.ask("POST", "/api/v1/auth/register/", {**account, "email": f"{name}@example.org"})
    reply = production.ask("POST", "/api/v1/auth/login/", account)
    assert reply.status == 200, reply.body
    token: str = reply.data["token"]
    return token


def every(pace_seconds: float, seconds: float, step: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        step()
        time.sleep(max(0.0, pace_seconds - (time.monotonic() - began)))


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(0.99 * len(seconds))]


def test_site_works_through_a_minute_of_siege(production: Production) -> None:
    person = Person(production, signed_in(production, "person"))
    uploaders = [signed_in(production, "uploader")] * 8
    person.prepare()
    for _ in range(QUIET_ANSWERS):
        person.answer_a_question()
    limit = max(LIMIT_SECONDS, LIMIT_OF_USUAL * statistics.median(person.seconds))
    person.seconds.clear()
    threads, memory = production.thread_count(), production.resident_mb()
    health: list[float] = []

    def look() -> None:
        began = time.monotonic()
        assert production.ask("GET", "/healthz").status == 200
        health.append(time.monotonic() - began)

    with besieged(production, uploaders):
        looking = threading.Thread(target=every, args=(PACE_SECONDS, SIEGE_SECONDS, look))
        looking.start()
        every(PACE_SECONDS, SIEGE_SECONDS, person.answer_a_question)
        looking.join()
    time.sleep(2)

    figures = f"healthz {p99(health):.2f} s of {len(health)}, answer {p99(person.seconds):.2f} s"
    assert len(health) > SIEGE_SECONDS, figures
    assert p99(health) <= limit, figures
    assert p99(person.seconds) <= limit, figures
    kept = production.count("SELECT COUNT(*) FROM interview_app_answer")
    assert kept == len(set(person.confirmed))
    # Two pools fill up as they are needed, each with a thread that hashes; nothing else is left.
    assert production.thread_count() <= threads + 2 * (THREADS + 1)
    assert production.resident_mb() <= memory * 1.5 + 60

"""However many files are uploaded, a web process parses two at a time, each of them once.

The pool's tests stand a command of their own in for the parser; the tests of the doors run the real
one on harmless files.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from interview_app.models import InterviewSession, Resume
from interview_app.refusals import ParserBusy, UnreadableFile
from interview_app.resume_files import read_resume
from interview_app.resume_limits import CPU_SECONDS, NICENESS
from interview_app.resume_pool import PARSERS, PROJECT, ParserPool, RememberedAnswers
from interview_app.tests.racing import in_threads
from interview_app.tests.samples import sample_bytes
from operations.tests.api_client import api_client, assert_problem
from operations.tests.factories import UserFactory

# Writes down when it starts and ends, and answers after a while.
SLOW = """
import json, pathlib, sys, time, uuid
told, seconds, answer = pathlib.Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
sys.stdin.buffer.read()
start = time.monotonic()
time.sleep(seconds)
told.joinpath(uuid.uuid4().hex).write_text(json.dumps([start, time.monotonic()]))
print(answer)
"""
SPINNING = """
from interview_app.resume_parser import limit_resources
limit_resources()
while True:
    pass
"""
TELLS_PRIORITY = """
import json, os
from interview_app.resume_parser import limit_resources
limit_resources()
print(json.dumps({"text": str(os.nice(0))}))
"""
TEXT = json.dumps({"text": "Ran nine roll-outs."})
REFUSED = json.dumps({"refused": "unreadable"})
PATIENCE = 60.0
"""Seconds: what a busy machine gets to start a process and end it."""


def slow_pool(told: Path, *, seconds: float = 0, answer: str = TEXT, **options: Any) -> ParserPool:
    command = (sys.executable, "-c", SLOW, str(told), str(seconds), answer)
    return ParserPool(command=command, **{"whole_seconds": PATIENCE, **options})


def runs(told: Path) -> list[tuple[float, float]]:
    """Start and end of every process."""
    return [tuple(json.loads(each.read_text())) for each in told.iterdir()]


def most_at_a_time(spans: list[tuple[float, float]]) -> int:
    return max(sum(start <= at < end for start, end in spans) for at, _ in spans)


def told_busy(call: Callable[[], object]) -> bool:
    try:
        call()
    except ParserBusy:
        return True
    return False


def distinct(kind: str = "pdf") -> Callable[[], tuple[str, bytes]]:
    numbers = iter(range(1000))
    return lambda: (kind, b"file %d" % next(numbers))


def pdf(note: int) -> bytes:
    """A file of its own that reads the same: readers skip what stands behind its end."""
    return sample_bytes("resume-mara-lindqvist.pdf") + b"\n%% %d" % note


def upload(name: str, data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


@pytest.fixture
def no_parser_free() -> Iterator[None]:
    """Both places of this process are taken, as by two long files."""
    with ExitStack() as taken:
        for _ in range(2):
            taken.enter_context(PARSERS.place())
        yield


def test_eight_files_at_once_meet_two_processes_at_a_time(tmp_path: Path) -> None:
    pool, next_file = slow_pool(tmp_path, seconds=0.5, wait_seconds=PATIENCE), distinct()

    busy = in_threads(8, lambda: told_busy(lambda: pool.answer(*next_file())))

    assert most_at_a_time(runs(tmp_path)) == 2
    # Two are read, a third one waits for a place; the rest are told at once.
    assert (busy.count(False), len(runs(tmp_path))) == (3, 3)


def test_who_waits_too_long_for_a_place_is_told_so(tmp_path: Path) -> None:
    pool = slow_pool(tmp_path, size=1, wait_seconds=0.05)

    with pool.place(), pytest.raises(ParserBusy):
        pool.answer("pdf", b"file")

    assert pool.answer("pdf", b"file") == {"text": "Ran nine roll-outs."}


@pytest.mark.parametrize("answer", [TEXT, REFUSED, "no JSON"], ids=["read", "refused", "stumbled"])
def test_the_same_file_again_starts_no_process(tmp_path: Path, answer: str) -> None:
    pool = slow_pool(tmp_path, answer=answer)

    first = pool.answer("pdf", b"file")
    again = pool.answer("pdf", b"file")

    assert first == again
    assert len(runs(tmp_path)) == 1


def test_the_same_bytes_as_another_kind_are_another_file(tmp_path: Path) -> None:
    pool = slow_pool(tmp_path)

    pool.answer("pdf", b"file")
    pool.answer("docx", b"file")

    assert len(runs(tmp_path)) == 2


def test_a_file_sent_twice_at_the_same_time_is_parsed_once(tmp_path: Path) -> None:
    pool = slow_pool(tmp_path, seconds=0.5, wait_seconds=PATIENCE)

    answers = in_threads(2, lambda: pool.answer("pdf", b"file"))

    assert answers == [{"text": "Ran nine roll-outs."}] * 2
    assert len(runs(tmp_path)) == 1


def test_a_costly_file_sent_by_many_does_not_hold_them_all(tmp_path: Path) -> None:
    pool = slow_pool(tmp_path, seconds=0.5, wait_seconds=PATIENCE)

    busy = in_threads(8, lambda: told_busy(lambda: pool.answer("pdf", b"file")))

    assert busy.count(False) == 2
    assert len(runs(tmp_path)) == 1


def test_a_process_that_does_not_end_is_ended_and_its_file_may_come_again(tmp_path: Path) -> None:
    pool = slow_pool(tmp_path, seconds=60, whole_seconds=0.3, size=1, wait_seconds=0)

    for _ in range(2):
        with pytest.raises(ParserBusy):
            pool.answer("pdf", b"file")

    assert runs(tmp_path) == []
    with pool.place():
        pass  # the place is free again


def test_a_process_that_cannot_start_leaves_its_place_free() -> None:
    pool = ParserPool(command=("/nowhere/at/all",), size=1, wait_seconds=0)

    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            pool.answer("pdf", b"file")


@pytest.mark.slow
def test_a_parser_ends_at_its_limit_of_processor_time() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime

    done = subprocess.run([sys.executable, "-c", SPINNING], cwd=PROJECT, timeout=60)

    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    assert done.returncode < 0
    assert 0.5 <= used / CPU_SECONDS <= 1.5


@pytest.mark.slow
def test_a_file_that_costs_too_much_is_refused_and_not_tried_again() -> None:
    pool = ParserPool(command=(sys.executable, "-c", SPINNING), whole_seconds=60)
    started = time.monotonic()
    assert pool.answer("pdf", b"file") == {"refused": "too_costly"}
    first = time.monotonic() - started

    assert pool.answer("pdf", b"file") == {"refused": "too_costly"}

    assert time.monotonic() - started - first < first / 10


def test_a_parser_stands_behind_the_pages() -> None:
    pool = ParserPool(command=(sys.executable, "-c", TELLS_PRIORITY))

    assert int(pool.answer("pdf", b"file")["text"]) >= NICENESS


def test_what_is_remembered_is_bounded_in_bytes() -> None:
    remembered = RememberedAnswers(most_bytes=10_000)

    for number in range(100):
        remembered.put((1, "pdf", b"%d" % number), {"text": "x" * 1000})

    kept = [number for number in range(100) if remembered.get((1, "pdf", b"%d" % number))]
    assert kept == [98, 99]


def test_what_is_remembered_is_forgotten_after_a_while() -> None:
    now = [0.0]
    remembered = RememberedAnswers(seconds=300, clock=lambda: now[0])
    remembered.put((1, "pdf", b"a"), {"text": "x"})

    now[0] = 299
    assert remembered.get((1, "pdf", b"a")) == {"text": "x"}
    now[0] = 300
    assert remembered.get((1, "pdf", b"a")) is None


def test_a_file_read_before_needs_no_free_parser() -> None:
    first = read_resume("r.pdf", pdf(1))

    with PARSERS.place(), PARSERS.place():
        assert read_resume("r.pdf", pdf(1)) == first


def test_a_refused_file_is_refused_again_without_a_parser() -> None:
    broken = b"%PDF-1.7 and then nothing, once"
    with pytest.raises(UnreadableFile):
        read_resume("r.pdf", broken)

    with PARSERS.place(), PARSERS.place(), pytest.raises(UnreadableFile):
        read_resume("r.pdf", broken)


def test_a_text_file_needs_no_parser(no_parser_free: None) -> None:
    assert read_resume("r.txt", b"Ran nine roll-outs.").text == "Ran nine roll-outs."


@pytest.mark.django_db
def test_the_api_says_when_to_send_it_again(no_parser_free: None) -> None:
    user = UserFactory()

    response = api_client(user).put(
        "/api/v1/me/resume/", {"file": upload("r.pdf", pdf(2))}, format="multipart"
    )

    assert_problem(response, 503, "PARSER_BUSY")
    assert response["Retry-After"] == "3"
    assert not Resume.objects.exists()


@pytest.mark.django_db
def test_the_resume_page_keeps_what_was_typed(
    client: Client, alice: User, no_parser_free: None
) -> None:
    client.force_login(alice)

    page = client.post(
        "/resume/", {"resume_text": "Typed by hand.", "resume_file": upload("r.pdf", pdf(3))}
    )

    assert (page.status_code, page["Retry-After"]) == (503, "3")
    assert "Please send yours again in a few seconds." in page.text
    assert "Typed by hand.</textarea>" in page.text


@pytest.mark.django_db
def test_the_start_page_keeps_what_was_typed(
    client: Client, alice: User, no_parser_free: None
) -> None:
    client.force_login(alice)

    page = client.post(
        "/practice/new/", {"role": "Dispatcher", "resume_file": upload("r.pdf", pdf(4))}
    )

    assert (page.status_code, page["Retry-After"]) == (503, "3")
    assert 'value="Dispatcher"' in page.text
    assert not InterviewSession.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_eight_uploads_at_once_some_are_sent_away_and_the_others_kept() -> None:
    people = iter([api_client(UserFactory()) for _ in range(8)])
    numbers = iter(range(100, 108))
    together = threading.Barrier(8)

    def put() -> Any:
        person, file = next(people), upload("r.pdf", pdf(next(numbers)))
        together.wait()
        return person.put("/api/v1/me/resume/", {"file": file}, format="multipart")

    answers = in_threads(8, put)

    statuses = [each.status_code for each in answers]
    assert set(statuses) == {200, 503}
    assert all(each["Retry-After"] == "3" for each in answers if each.status_code == 503)
    assert Resume.objects.count() == statuses.count(200)

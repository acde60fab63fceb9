"""The line in which SQLite's writers wait: who is next, and that nobody waits for it in vain."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError, connection, transaction

from operations.models import MetricTotal
from operations.sqlite import base

pytestmark = pytest.mark.django_db(transaction=True)

MARK = "test"


@pytest.fixture(autouse=True)
def only_on_sqlite() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has no lock on the whole database")


def write_in_transaction() -> None:
    with transaction.atomic():
        write_at_once()


def write_at_once() -> None:
    MetricTotal.objects.filter(name=MARK).update(labels="written")


WRITERS = pytest.mark.parametrize(
    "write", [write_in_transaction, write_at_once], ids=["transaction", "one statement"]
)


def was_written() -> bool:
    return MetricTotal.objects.filter(name=MARK, labels="written").exists()


@pytest.fixture(autouse=True)
def row() -> None:
    MetricTotal.objects.create(name=MARK, labels="", bucket=-1)


@contextlib.contextmanager
def held_by_another(seconds: float) -> Iterator[None]:
    """SQLite's lock, by somebody who knows of no line."""
    other = sqlite3.connect(
        connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False
    )
    other.execute("BEGIN IMMEDIATE")
    letting_go = threading.Timer(seconds, other.execute, ["ROLLBACK"])
    letting_go.start()
    yield
    letting_go.join()
    other.close()


@contextlib.contextmanager
def head_of_line() -> Iterator[int]:
    """Another process's place there, as the kernel sees it: an open file of its own."""
    descriptor = os.open(f"{connection.settings_dict['NAME']}-line", os.O_RDONLY | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    yield descriptor
    os.close(descriptor)


class Writer(threading.Thread):
    """Its transactions, of a connection of its own, follow each other without a pause."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.begun = 0
        self.stopping = False
        self.has_begun = threading.Event()

    def run(self) -> None:
        while not self.stopping:
            with transaction.atomic():
                self.begun += 1
                self.has_begun.set()
                time.sleep(self.seconds)
        connection.close()

    def await_next(self) -> int:
        """The number of the transaction that has just begun."""
        self.has_begun.clear()
        self.has_begun.wait()
        return self.begun


@contextlib.contextmanager
def writing_without_pause(seconds: float) -> Iterator[Writer]:
    writer = Writer(seconds)
    writer.start()
    yield writer
    writer.stopping = True
    writer.join()


@pytest.fixture
def patience() -> Iterator[None]:
    """Whatever a test makes of this connection's."""
    usual = busy_timeout()
    yield
    busy_timeout(usual)


def busy_timeout(milliseconds: int | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout" + ("" if milliseconds is None else f"={milliseconds}"))
        return int(cursor.fetchone()[0])


@WRITERS
def test_who_writes_without_pause_is_passed_at_the_next_turn(write: Callable[[], None]) -> None:
    passed_by = []
    with writing_without_pause(0.005) as writer:
        for _ in range(10):
            before = writer.await_next()
            write()
            passed_by.append(writer.begun - before)

    # It may have begun once more before we stood in line, or after us before it was counted.
    assert max(passed_by) <= 2


@WRITERS
@pytest.mark.usefixtures("patience")
def test_lock_is_waited_for_as_long_as_the_connection_says(write: Callable[[], None]) -> None:
    busy_timeout(5000)

    with held_by_another(0.3):
        write()

    assert was_written()


@WRITERS
@pytest.mark.usefixtures("patience")
def test_lock_that_is_not_let_go_of_is_refused_after_that_time(write: Callable[[], None]) -> None:
    busy_timeout(50)

    with held_by_another(1.0), pytest.raises(OperationalError, match="locked"):
        write()

    assert busy_timeout() == 50
    assert not was_written()


def test_patience_is_the_usual_one_inside_and_afterwards() -> None:
    usual = busy_timeout()

    with transaction.atomic():
        inside = busy_timeout()

    assert usual > 1000
    assert (inside, busy_timeout()) == (usual, usual)


@WRITERS
def test_line_that_does_not_move_is_left(
    write: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "LINE_SECONDS", 0.05)

    with head_of_line():
        write()

    assert was_written()


@WRITERS
def test_directory_without_a_line_has_writers_all_the_same(
    write: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "LINE_SUFFIX", "/cannot-be-made")

    with held_by_another(0.05):
        write()

    assert was_written()


@WRITERS
def test_file_system_without_locks_has_writers_all_the_same(
    write: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)

    with held_by_another(0.05):
        write()

    assert was_written()


def test_line_is_left_when_the_lock_is_had(monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction.atomic():
        with head_of_line():
            pass
        monkeypatch.setattr(base, "_place_in_line", lambda _: pytest.fail("it is ours already"))
        write_at_once()

    assert was_written()


def test_readers_stand_in_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "LINE_SECONDS", 600.0)

    with head_of_line():
        assert not was_written()


def test_process_that_was_forked_at_the_head_of_the_line_does_not_keep_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copies = []

    def wait_until_next(descriptor: int) -> None:
        copies.append(os.dup(descriptor))  # as fork leaves it: the same open file
        waited(descriptor)

    waited = base._wait_until_next
    monkeypatch.setattr(base, "_wait_until_next", wait_until_next)
    write_at_once()

    with head_of_line():
        pass
    for copy in copies:
        os.close(copy)


def test_what_fails_for_another_reason_is_not_asked_again() -> None:
    asked = []

    def count(execute: Callable[..., object], sql: str, *rest: object) -> object:
        asked.append(sql)
        return execute(sql, *rest)

    # The innermost wrapper: what SQLite itself is asked.
    refused = pytest.raises(OperationalError, match="no such table")
    with connection.execute_wrapper(count), connection.cursor() as cursor, refused:
        cursor.execute("INSERT INTO nowhere VALUES (1)")

    assert asked == ["INSERT INTO nowhere VALUES (1)"]

"""SQLite sends no messages: a named pipe beside it does, and its version tells of the rest."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from django.db import connection

from operations import dispatch
from operations.engine import wakeups
from operations.models import Operation
from operations.tests.factories import UserFactory
from operations.tests.test_wakeups import (
    PATIENCE_SECONDS,
    SILENCE_SECONDS,
    roll_back,
    seconds_until_heard,
    submit,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("judgement"),
]


@pytest.fixture(autouse=True)
def only_on_sqlite() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has NOTIFY")


@pytest.fixture
def no_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "PIPE_SUFFIX", "/cannot-be-made")


@pytest.fixture
def pipe() -> Iterator[Path]:
    """Where it belongs, before anybody has made one."""
    path = Path(dispatch.pipe_path())
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


def test_commit_is_heard_through_the_pipe() -> None:
    assert seconds_until_heard(submit) is not None


def test_rollback_writes_nothing_to_the_pipe() -> None:
    assert seconds_until_heard(roll_back, SILENCE_SECONDS) is None


def test_every_drain_hears_a_byte_and_hears_it_once() -> None:
    async def listen() -> None:
        events = [asyncio.Event(), asyncio.Event()]
        async with wakeups.listening(events[0]), wakeups.listening(events[1]):
            await asyncio.sleep(0.1)
            await asyncio.to_thread(dispatch._write_to_pipe)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.gather(*[event.wait() for event in events])
            for event in events:
                event.clear()
            await asyncio.sleep(0.1)
            assert not any(event.is_set() for event in events)

    asyncio.run(listen())


@pytest.mark.usefixtures("no_pipe")
def test_directory_without_a_pipe_has_commits_heard_all_the_same() -> None:
    assert seconds_until_heard(submit) is not None


def test_who_copies_the_database_file_by_file_does_not_meet_the_pipe() -> None:
    """`cp` would wait for its end."""
    assert not fnmatch(dispatch.pipe_path(), f"{connection.settings_dict['NAME']}*")


def test_another_file_in_the_place_of_the_pipe_is_left_alone(pipe: Path) -> None:
    pipe.write_text("somebody's")

    assert seconds_until_heard(submit) is not None
    assert pipe.read_text() == "somebody's"


def test_submission_needs_no_reader_and_no_room_in_the_pipe(pipe: Path) -> None:
    assert submit().status == Operation.Status.PENDING  # no pipe

    os.mkfifo(pipe)
    assert submit().status == Operation.Status.PENDING  # no reader

    reader = dispatch.open_pipe(os.O_RDWR)
    assert reader is not None
    with pytest.raises(BlockingIOError):
        while True:
            os.write(reader, b"!" * 4096)
    assert submit().status == Operation.Status.PENDING  # full
    os.close(reader)


@pytest.mark.usefixtures("no_pipe")
def test_commit_that_leaves_nothing_due_wakes_no_drain() -> None:
    """Most commits are the drains' own."""

    def write() -> None:
        UserFactory()

    assert seconds_until_heard(write, SILENCE_SECONDS) is None


@pytest.mark.usefixtures("no_pipe")
def test_database_that_cannot_be_read_wakes_the_drain(tmp_path: Path) -> None:
    """It will meet the same trouble, and waits it out as it does every other."""

    async def listen() -> None:
        event = asyncio.Event()
        listener = asyncio.create_task(wakeups.Pipe(str(tmp_path / "empty")).listen(event))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await event.wait()
        listener.cancel()

    asyncio.run(listen())

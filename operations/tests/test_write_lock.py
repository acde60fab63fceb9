"""How a drain waits for SQLite's write lock: eagerly at first, then as long as anybody."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection

from operations.engine import write_lock
from operations.engine.write_lock import begun_transaction
from operations.models import Operation
from operations.tests.factories import OperationFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def only_on_sqlite() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has no lock on the whole database")


@contextlib.contextmanager
def held_by_another(seconds: float) -> Iterator[None]:
    other = sqlite3.connect(
        connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False
    )
    other.execute("BEGIN IMMEDIATE")
    letting_go = threading.Timer(seconds, other.execute, ["ROLLBACK"])
    letting_go.start()
    yield
    letting_go.join()
    other.close()


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


@pytest.mark.usefixtures("patience")
def test_lock_is_asked_for_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no patience of its own, the connection gets it by the eager tries alone."""
    monkeypatch.setattr(write_lock, "EAGER_TRIES", 2000)
    busy_timeout(0)

    with held_by_another(0.05), begun_transaction():
        OperationFactory()

    assert Operation.objects.count() == 1


def test_lock_that_is_held_for_longer_is_waited_for_as_usual() -> None:
    eager_seconds = write_lock.EAGER_TRIES * write_lock.EAGER_MILLISECONDS / 1000

    with held_by_another(10 * eager_seconds), begun_transaction():
        OperationFactory()

    assert Operation.objects.count() == 1


@pytest.mark.usefixtures("patience")
def test_lock_that_is_not_let_go_of_is_refused_after_the_usual_wait() -> None:
    busy_timeout(50)

    with held_by_another(1.0), pytest.raises(OperationalError, match="locked"), begun_transaction():
        pass

    assert busy_timeout() == 50


def test_usual_patience_is_there_inside_and_afterwards() -> None:
    usual = busy_timeout()

    with begun_transaction():
        inside = busy_timeout()

    assert usual > 1000
    assert (inside, busy_timeout()) == (usual, usual)


def test_what_is_raised_inside_rolls_back() -> None:
    with pytest.raises(LookupError), begun_transaction():
        OperationFactory()
        raise LookupError

    assert not Operation.objects.exists()

"""A web server that is asked to stop: nobody who was let in is sent away, and those who look are
told before the door closes."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from config.tests.production import Production, Reply
from operations.tests.databases import opened
from operations.tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PATIENCE_SECONDS = 60
DRAIN_SECONDS = 8
PEOPLE = 6
"""Fewer than a process has threads, so that one is left to say how it is."""


SLOW_WRITES = """
CREATE FUNCTION take_a_while() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN WHILE NOT pg_try_advisory_xact_lock_shared(1) LOOP PERFORM pg_sleep(0.05); END LOOP;
RETURN NEW; END $$;
CREATE TRIGGER take_a_while BEFORE INSERT ON interview_app_interviewsession
FOR EACH ROW EXECUTE FUNCTION take_a_while();
"""
"""A wait for a lock of PostgreSQL's own is ended by the product long before."""


@pytest.fixture
def production(tmp_path: Path) -> Iterator[Production]:
    variables = {
        "REGISTRATION_OPEN": "true",
        "WEB_DRAIN_SECONDS": str(DRAIN_SECONDS),
        "OPERATIONS_SHUTDOWN_GRACE_SECONDS": "40",
    }
    production = Production(tmp_path, free_port(), variables)
    try:
        production.start()
        yield production
    finally:
        production.stop()


def wait_for(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


@contextlib.contextmanager
def nobody_can_write(production: Production) -> Iterator[None]:
    """Whoever saves something waits, as for a slow database."""
    with opened(production.database_url) as other:
        if connection.vendor == "sqlite":
            other.execute("BEGIN IMMEDIATE")
        else:
            other.execute(SLOW_WRITES)
            other.commit()
            other.execute("SELECT pg_advisory_lock(1)")
        yield


def readiness(production: Production) -> Reply | None:
    """None: nobody is there, or it was asked before the signal came and waits for the lock."""
    try:
        return production.ask("GET", "/readyz", timeout=1)
    except (OSError, http.client.HTTPException):
        return None


def is_draining(production: Production) -> bool:
    reply = readiness(production)
    return bool(reply and (reply.status, reply.data["status"]) == (503, "draining"))


def test_everybody_is_answered_and_readiness_says_so_before_the_door_closes(
    production: Production,
) -> None:
    account = {"username": "mara", "email": "mara@example.org", "password": "three green bicycles"}
    token = production.ask("POST", "/api/v1/auth/register/", account).data["token"]
    web = production.processes[1]

    def begin_a_practice(number: int) -> int:
        body = {"role": f"Ferry master {number}"}
        headers: Any = {"Authorization": f"Token {token}"}
        return production.ask("POST", "/api/v1/sessions/", body, **headers).status

    with ThreadPoolExecutor(PEOPLE) as people, nobody_can_write(production):
        under_way = [people.submit(begin_a_practice, number) for number in range(PEOPLE)]
        time.sleep(1)
        web.terminate()

        wait_for(lambda: is_draining(production))
        newcomer = production.ask("GET", "/healthz")
        assert newcomer.status == 200
        assert newcomer.headers["connection"] == "close", "and comes by another door next time"

        wait_for(lambda: readiness(production) is None)
        assert web.poll() is None, "it waits for those who are inside"
        assert not any(each.done() for each in under_way)

    assert [each.result() for each in under_way] == [201] * PEOPLE
    assert web.wait(PATIENCE_SECONDS) == 0
    assert production.count("SELECT count(*) FROM interview_app_interviewsession") == PEOPLE


def test_second_signal_does_not_wait(production: Production) -> None:
    web = production.processes[1]
    began = time.monotonic()
    web.terminate()
    wait_for(lambda: is_draining(production))

    web.terminate()

    assert web.wait(PATIENCE_SECONDS) == 0
    assert time.monotonic() - began < DRAIN_SECONDS

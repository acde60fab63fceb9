"""The engine's own tests once more, on PostgreSQL: its locks, its clock, its NOTIFY."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection

from operations.tests.private_postgresql import PrivatePostgreSQL

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(600)]

RUNS = {
    "engine": [
        "test_backlog",
        "test_budgets",
        "test_claims",
        "test_drain",
        "test_group_commits",
        "test_leases",
        "test_limits",
        "test_metrics",
        "test_races",
        "test_services",
        "test_states",
        "test_statements",
        "test_submit",
        "-m",
        "not slow",
    ],
    "api": [
        "test_api_engine",
        "test_api_idempotency",
        "test_api_operations",
        "test_api_problems",
        "test_own_keys",
        "interview_app/tests/test_account.py",
        "interview_app/tests/test_api_auth.py",
        "interview_app/tests/test_api_job_postings.py",
        "interview_app/tests/test_api_resume.py",
        "interview_app/tests/test_api_sessions.py",
        "interview_app/tests/test_deleted_meanwhile.py",
        "interview_app/tests/test_own_key.py",
        "interview_app/tests/test_tokens.py",
        "-m",
        "not slow",
    ],
    "rates": ["test_rate_limits", "-k", "not nobody_knew"],
    "walk": ["operations/tests/test_state_machine.py", "-k", "no_walk"],
    "admin": ["interview_app/tests/test_admin_lookups.py", "-k", "odd or suggest or address"],
    "failpoints": ["test_failpoints"],  # mostly waits for leases to end
}

WITNESS = "operations.tests.on_postgresql"
"""A pytest plugin that fails the run if it is on any other database."""


@pytest.fixture(autouse=True)
def _not_twice() -> None:
    if connection.vendor == "postgresql":
        pytest.skip("this whole run is on PostgreSQL")


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgreSQL]:
    with PrivatePostgreSQL() as private:
        yield private


def run(name: str, server: PrivatePostgreSQL) -> subprocess.CompletedProcess[str]:
    arguments = [
        f"operations/tests/{argument}.py" if argument.startswith("test_") else argument
        for argument in RUNS[name]
    ]
    # The child decides its own environment, from nothing but the database.
    environment = {k: v for k, v in os.environ.items() if k != "INTERVIEW_PRACTICE_TESTS"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", WITNESS, "-p", "no:cacheprovider", *arguments],
        cwd=settings.BASE_DIR,
        env=environment | {"TEST_DATABASE_URL": server.url(f"engine_{name}")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", RUNS)
def test_engine_keeps_its_promises_on_postgresql(name: str, server: PrivatePostgreSQL) -> None:
    ended = run(name, server)

    said = ended.stdout
    assert ended.returncode == 0, said[-8000:]
    assert re.search(r"^\d+ passed", said, re.MULTILINE), said[-2000:]
    assert "skipped" not in said.splitlines()[-1]
    assert "ran on PostgreSQL" in said


def test_whole_suite_can_be_started_on_servers_of_its_own() -> None:
    """As `make test-postgresql` does: two processes, of one module."""
    plugin = ["-p", "operations.tests.on_postgresql_and_redis", "-p", "no:cacheprovider"]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", *plugin, "operations/tests/test_rings.py"],
        cwd=settings.BASE_DIR,
        env={k: v for k, v in os.environ.items() if k != "INTERVIEW_PRACTICE_TESTS"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout
    assert re.search(r"=+ 2 passed in ", ended.stdout), ended.stdout
    assert "database: django.db.backends.postgresql, port " in ended.stdout
    assert "; broker: redis://127.0.0.1:" in ended.stdout

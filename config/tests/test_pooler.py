"""Everything through a PgBouncer that hands each transaction to another of three connections."""

from __future__ import annotations

import csv
import io
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from config.tests.installation import wait_for
from config.tests.production import Production
from config.tests.visitor import Visitor
from interview_app.tests.samples import STRONG_ANSWER
from operations.tests.private_pgbouncer import POOL, PrivatePgBouncer
from operations.tests.private_postgresql import PrivatePostgreSQL

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.postgres,
    pytest.mark.pgbouncer,
    pytest.mark.timeout(240),
]

THREADS = 6
PAGES = 200
EXPORTS = 50
ITEMS = 4321
"""More than an export reads at once."""

PASSWORD = "three green bicycles in a row"
ROWS = f"""
from uuid import uuid4
from django.contrib.auth.models import User
from operations.models import BulkAction, BulkItem
User.objects.create_superuser("root", "", "{PASSWORD}")
action = BulkAction.objects.create(pk=1, verb="retry", state="done")
BulkItem.objects.bulk_create(
    BulkItem(action=action, operation_id=uuid4(), outcome="changed") for _ in range({ITEMS})
)
"""
ADMIN = (
    "/admin/auth/user/",
    "/admin/auth/user/1/change/",
    "/admin/operations/operation/",
    "/admin/operations/bulkaction/1/change/",
    "/admin/interview_app/interviewsession/",
    "/admin/interview_app/interviewsession/?owner__exact=1",
)
EXPORT = "/admin/operations/bulkaction/1/report.csv"


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgreSQL]:
    with PrivatePostgreSQL() as private:
        private.execute("CREATE DATABASE practice")
        yield private


@pytest.fixture(scope="module")
def pooler(server: PrivatePostgreSQL) -> Iterator[PrivatePgBouncer]:
    with PrivatePgBouncer(server) as private:
        yield private


@pytest.fixture(scope="module")
def production(
    server: PrivatePostgreSQL, pooler: PrivatePgBouncer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Production]:
    variables = {
        "DATABASE_URL": pooler.url("practice"),
        "DATABASE_DIRECT_URL": server.url("practice"),
        "REGISTRATION_OPEN": "true",
    }
    directory = tmp_path_factory.mktemp("production")
    production = Production(directory, free_port(), variables)
    try:
        production.start(worker=True)
        production.run("manage.py", "shell", "-v", "0", "-c", ROWS)
        yield production
    finally:
        production.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_console_and_exports_are_whole(production: Production) -> None:
    staff = Visitor(production.port)
    staff.post("/admin/login/", username="root", password=PASSWORD, next="/admin/")

    with ThreadPoolExecutor(THREADS) as threads:
        pages = [threads.submit(staff.get, ADMIN[n % len(ADMIN)]) for n in range(PAGES)]
        files = [threads.submit(staff.get, EXPORT) for _ in range(EXPORTS)]

    assert [page.result().status for page in pages] == [200] * PAGES
    rows = [list(csv.reader(io.StringIO(file.result().html))) for file in files]
    assert [len(each) for each in rows] == [1 + ITEMS] * EXPORTS
    assert all(len({row[0] for row in each}) == 1 + ITEMS for each in rows)


def test_person_practises_from_sign_up_to_summary(production: Production) -> None:
    ask = production.somebody_new("mara", PASSWORD)
    session = ask("POST", "sessions/", {"role": "Night operator", "question_count": 2})
    asked = wait_for(lambda: ask("GET", f"sessions/{session['id']}/")["questions"], 30)
    for question in asked:
        ask("POST", f"questions/{question['id']}/answer/", {"text": STRONG_ANSWER})
    ask("POST", f"sessions/{session['id']}/finish/", {})

    assert wait_for(lambda: ask("GET", f"sessions/{session['id']}/")["summary"], 30)


@pytest.mark.parametrize(
    "command",
    [
        ("list_operations", "--state", "all", "--json"),
        ("operation_stats", "--json"),
        ("operations_health", "--json"),
        ("doctor", "--no-call"),
    ],
    ids=" ".join,
)
def test_command_works(command: tuple[str, ...], production: Production) -> None:
    production.run("manage.py", *command)


def test_no_setting_of_ours_stays_in_the_pool(
    production: Production, pooler: PrivatePgBouncer
) -> None:
    for _ in range(2 * POOL):
        with psycopg.connect(pooler.url("practice"), autocommit=True) as connection:
            assert connection.execute("SHOW lock_timeout").fetchone() == ("0",)


def test_pooler_that_is_started_again_needs_nobody_to_do_anything(
    production: Production, pooler: PrivatePgBouncer
) -> None:
    def status() -> Any:
        return production.ask("GET", "/readyz").data["status"]

    wait_for(lambda: status() == "ok", 30)
    pooler.stop()
    assert status() == "unavailable"
    pooler.start()

    wait_for(lambda: status() == "ok", 15)
    assert "Traceback" not in production.log.read_text()

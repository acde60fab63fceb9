"""A pytest plugin: every test of this run asks its database who it is."""

from __future__ import annotations

import pytest
from django.db import connection

versions: set[str] = set()


@pytest.fixture(autouse=True)
def _database_is_postgresql(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("django_db") is None:
        return
    request.getfixturevalue("_django_db_helper")
    assert connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        versions.add(cursor.fetchone()[0])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for version in versions:
        terminalreporter.write_line(f"ran on PostgreSQL {version}")

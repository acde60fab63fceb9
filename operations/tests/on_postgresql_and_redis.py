"""A pytest plugin: the whole suite on PostgreSQL with Redis, as `make test-postgresql` runs it.

Both are servers of this run's own, never the machine's: tests empty the cache, which empties a
whole Redis database. One PostgreSQL serves all processes, each with a database of its own; a Redis
is each process's own, because its channels are shared by all of its databases.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import ExitStack

import pytest
from django.conf import settings

from operations.tests.private_postgresql import PrivatePostgreSQL
from operations.tests.private_redis import PrivateRedis


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Before pytest-django reads the settings, in the first process and in each that it starts."""
    servers = ExitStack()
    early_config.add_cleanup(servers.close)
    if "INTERVIEW_PRACTICE_TESTS" not in os.environ:
        server = servers.enter_context(PrivatePostgreSQL())
        os.environ["TEST_DATABASE_URL"] = server.url("practice")
    redis = servers.enter_context(PrivateRedis())
    os.environ["TEST_BROKER_URL"] = os.environ["REDIS_URL"] = redis.url
    return (yield)


def pytest_report_header() -> str:
    database, cluster = settings.DATABASES["default"], settings.Q_CLUSTER
    broker = cluster.get("redis") or "the database"
    return f"database: {database['ENGINE']}, port {database['PORT']}; broker: {broker}"

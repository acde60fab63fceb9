"""What holds for every test of every app: services, sockets, and the processes that tests start."""

from __future__ import annotations

import functools
import ipaddress
import os
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import redis
from django.core.cache import cache
from django.db import connection
from django.utils import translation

POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")


@dataclass(frozen=True)
class Service:
    """A part of the machine that some tests need, and what to say where it is missing."""

    is_there: Callable[[], bool]
    missing: str


def postgres_answers() -> bool:
    try:
        psycopg.connect(POSTGRES_URL, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def redis_answers() -> bool:
    with redis.Redis.from_url(REDIS_URL, socket_connect_timeout=3) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def find_chromium() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


SERVICES = {
    "postgres": Service(
        functools.cache(postgres_answers),
        "PostgreSQL does not let user postgres in at 127.0.0.1:5432: apt-get install postgresql, "
        "or name another one in TEST_POSTGRES_URL",
    ),
    "redis": Service(
        functools.cache(redis_answers),
        "Redis does not answer at 127.0.0.1:6379: apt-get install redis-server, "
        "or name another one in TEST_REDIS_URL",
    ),
    "browser": Service(
        lambda: find_chromium() is not None,
        "Chromium is not installed: apt-get install chromium, or name a path in CHROMIUM",
    ),
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, by name, what this machine cannot run; with REQUIRE_SERVICES=1 fail it."""
    for name, service in SERVICES.items():
        if item.get_closest_marker(name) and not service.is_there():
            if os.environ.get("REQUIRE_SERVICES") == "1":
                pytest.fail(service.missing, pytrace=False)
            pytest.skip(service.missing)


class OutsideConnection(Exception):
    """A test tried to leave the machine."""


def refuse_outside_connections(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and not is_loopback(arguments[1]):
        raise OutsideConnection(f"tests talk to this machine alone, not to {arguments[1]}")


def is_loopback(address: object) -> bool:
    """Unix sockets are strings or bytes; internet addresses are tuples that start with a host."""
    if not isinstance(address, tuple):
        return True
    try:
        return ipaddress.ip_address(str(address[0])).is_loopback
    except ValueError:
        return bool(address[0] == "localhost")


# An audit hook sees every connect of this process, whichever library makes it.
sys.addaudithook(refuse_outside_connections)


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """Throttles count in the cache: what one test used up must not be missing in the next."""
    cache.clear()


@pytest.fixture(autouse=True)
def language_of_the_installation() -> None:
    """A request leaves its language behind in its thread; only the next request sets another."""
    translation.deactivate()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def child_environment(transactional_db: None) -> dict[str, str]:
    """The environment of a process that shall work on this test's database."""
    settings_dict = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{settings_dict['NAME']}"
    else:
        url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**settings_dict)
    return {**os.environ, "DATABASE_URL": url}


@pytest.fixture(scope="session")
def chromium() -> str:
    path = find_chromium()
    assert path is not None, "mark the test with pytest.mark.browser"
    return path


@pytest.fixture(scope="session")
def postgres_url() -> str:
    return POSTGRES_URL


@pytest.fixture(scope="session")
def redis_url() -> str:
    return REDIS_URL

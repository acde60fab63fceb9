"""What holds for every test of every app: services, sockets, and the processes that tests start."""

from __future__ import annotations

import functools
import importlib
import ipaddress
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from django.core.cache import cache
from django.utils import translation
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling, Scheduling

from operations.tests import examples  # noqa: F401  (sets how many, before a test is read)
from operations.tests.ports import free_port

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


def find_pgbouncer() -> str | None:
    """Debian keeps it out of PATH for those who are not root."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


def find_faketime() -> Path | None:
    """The library that gives a process another clock; for processes with threads."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


SERVICES = {
    "pgbouncer": Service(
        lambda: find_pgbouncer() is not None,
        "PgBouncer is not installed: apt-get install pgbouncer",
    ),
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
    "prometheus": Service(
        lambda: bool(shutil.which("prometheus") and shutil.which("promtool")),
        "Prometheus is not installed: apt-get install prometheus",
    ),
    "faketime": Service(
        lambda: find_faketime() is not None,
        "libfaketime is not installed: apt-get install faketime",
    ),
    "systemd": Service(
        lambda: shutil.which("systemd-analyze") is not None,
        "systemd-analyze is not installed: apt-get install systemd",
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


TOGETHER = (
    "interview_app/tests/test_console_browser.py",
    "interview_app/tests/test_browser.py",
    "interview_app/tests/test_browser_settings.py",
    "interview_app/tests/test_browser_screens.py",
    "interview_app/tests/test_browser_journey.py",
    "interview_app/tests/test_browser_answering.py",
    "config/tests/test_slow_clients.py",
)
"""Modules that start the product once for all their tests: each is run by one process."""


class InTurn(LoadScopeScheduling):
    """Whichever process is free takes the next test of the line, or the next module."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # the line has its order already

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return module if module in TOGETHER else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    return InTurn(config, log) if config.getoption("dist") == "load" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In parallel, what takes long comes first, and the thousands of quick tests fill the gaps."""
    if hasattr(config, "workerinput"):
        items.sort(key=place_in_line)


def place_in_line(item: pytest.Item) -> int:
    """A test with transactions of its own empties all tables, and with them what migrations put
    there: in no process may it come before one that only rolls back."""
    module = item.nodeid.partition("::")[0]
    if module in TOGETHER:
        return TOGETHER.index(module)
    fixtures = set(getattr(item, "fixturenames", ()))
    mark, is_quick = item.get_closest_marker("django_db"), not item.get_closest_marker("slow")
    if "transactional_db" in fixtures or (mark and mark.kwargs.get("transaction")):
        return 20 + is_quick
    if mark or "db" in fixtures:
        return 15 + is_quick
    return 25 if is_quick else 10


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
def empty_memory() -> None:
    """What one test used up must not be missing in the next."""
    cache.clear()
    # Models cannot be imported yet where this file is.
    importlib.import_module("operations.limits.limiter").forget()
    importlib.import_module("operations.events").forget()
    importlib.import_module("operations.budgets").forget_looks()


@pytest.fixture(autouse=True)
def language_of_the_installation() -> None:
    """A request leaves its language behind in its thread; only the next request sets another."""
    translation.deactivate()


@pytest.fixture(name="free_port")
def a_free_port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def chromium() -> str:
    path = find_chromium()
    assert path is not None, "mark the test with pytest.mark.browser"
    return path


@pytest.fixture(scope="session")
def faketime() -> Path:
    path = find_faketime()
    assert path is not None, "mark the test with pytest.mark.faketime"
    return path


@pytest.fixture(scope="session")
def postgres_url() -> str:
    return POSTGRES_URL


@pytest.fixture(scope="session")
def redis_url() -> str:
    return REDIS_URL

"""A copy of the whole product, started by its own command, and Chromium to look at it.

Browser tests talk to another process and never touch this process's database: Playwright keeps an
event loop in the test's thread, in which Django refuses to query.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from interview_app.resume_pool import PARSERS
from operations.tests.databases import new_servers, opened
from operations.tests.factories import UserFactory
from operations.tests.ports import free_port

# Python writes its bytecode under a name of its own first (`*.pyc.*`), which is gone in a moment.
NOT_COPIED = (".venv", ".git", ".local", ".env", "staticfiles", ".*_cache", "*.pyc.*")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS = 40_000


@pytest.fixture(autouse=True)
def patient_parsers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsers step back behind all else: on a busy machine none would end within its seconds."""
    monkeypatch.setattr(PARSERS, "_whole_seconds", 60.0)


@pytest.fixture
def alice(db: None) -> User:
    user: User = UserFactory(username="alice")
    return user


@pytest.fixture
def bob(db: None) -> User:
    user: User = UserFactory(username="bob")
    return user


@dataclass(frozen=True)
class RunningApp:
    url: str
    username: str
    password: str
    tree: Path
    environment: dict[str, str]

    def count(self, table: str) -> int:
        with opened(self.environment["DATABASE_URL"]) as database:
            row = database.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
        return int(row[0])

    def run(self, code: str) -> str:
        """In its database, by a process of its own; what was printed."""
        return subprocess.run(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", code],
            cwd=self.tree,
            env=self.environment,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            timeout=120,
        ).stdout


@pytest.fixture(scope="module")
def running_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with started_app(tmp_path_factory.mktemp("app")) as app:
        yield app


@contextmanager
def started_app(directory: Path, **environment: str) -> Iterator[RunningApp]:
    """`manage.py up` in a copy of the tree, so that its `.local/` and its database are its own."""
    tree, log = directory / "tree", directory / "stderr.log"
    shutil.copytree(settings.BASE_DIR, tree, ignore=shutil.ignore_patterns(*NOT_COPIED))
    servers = new_servers(tree / ".local" / "db.sqlite3")
    everything = environment_of_a_copy() | servers | environment
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=tree,
            env=everything,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield _when_ready(process, tree, log, everything)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def environment_of_a_copy() -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DJANGO_DEBUG": "true",
        "SIMULATED_LATENCY_SECONDS": "0.2",
        "OPERATIONS_LEASE_SECONDS": "30",
        "PORT": str(free_port()),
    }


def _when_ready(
    process: subprocess.Popen[str], tree: Path, log: Path, environment: dict[str, str]
) -> RunningApp:
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if line.startswith("Ready on "):
            signed_in = re.search(r"^Sign in: (\S+) / (\S+)$", told, re.MULTILINE)
            assert signed_in, told
            return RunningApp(
                url=line.removeprefix("Ready on ").strip(),
                username=signed_in[1],
                password=signed_in[2],
                tree=tree,
                environment=environment,
            )
    pytest.fail(f"manage.py up ended before it was ready:\n{told}\n{log.read_text()[-4000:]}")


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
    yield browser
    browser.close()


def opened_browser(
    browser: Browser, app: RunningApp, *, java_script: bool = True
) -> BrowserContext:
    context = browser.new_context(
        base_url=app.url,
        java_script_enabled=java_script,
        locale="en-GB",
        timezone_id="Europe/Berlin",
        viewport={"width": 1280, "height": 900},
    )
    context.set_default_timeout(WAIT_MS)
    return context


def sign_in(page: Page, app: RunningApp) -> None:
    """On the page that asks for it."""
    page.get_by_label("Username").fill(app.username)
    page.get_by_label("Password").fill(app.password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def cookies_of_who_signed_in(browser: Browser, app: RunningApp) -> list[Any]:
    """For all tests of a module: only so many may sign in from one address."""
    with opened_browser(browser, app) as opened:
        page = opened.new_page()
        page.goto("/sign-in/")
        sign_in(page, app)
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        return list(opened.cookies())


@pytest.fixture
def page(browser: Browser, running_app: RunningApp) -> Iterator[Page]:
    """A fresh visitor."""
    with opened_browser(browser, running_app) as context:
        yield context.new_page()


@pytest.fixture
def plain_page(browser: Browser, running_app: RunningApp) -> Iterator[Page]:
    """A fresh visitor whose browser runs no JavaScript."""
    with opened_browser(browser, running_app, java_script=False) as context:
        yield context.new_page()

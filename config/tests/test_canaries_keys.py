"""Keys of one's own, of every form, against real processes: nowhere in clear.

The bytes of the database's files, both processes' logs at DEBUG with their mails and the dump of a
process that aborts, `dumpdata`, the admin, the API's answers, the export, pages about errors.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from pytest_django import Settings

from config.tests.production import Production, Reply
from config.tests.test_canaries import found, found_in_pages
from config.tests.visitor import Page, Visitor
from operations.tests.api_client import api_client
from operations.tests.databases import opened
from operations.tests.factories import UserFactory
from operations.tests.fault_server import FaultServer

PASSWORD = "Pangolin-keys-81"
STAFF = f"""
from django.contrib.auth.models import User
User.objects.create_superuser("root", "", "{PASSWORD}")
"""
KEYS = {
    "of OpenAI": "sk-proj-Quagga0123456789quaggaQUAGGA0001",
    "of no known form": "quagga.without.any.pattern.0002",
    "of words": "correct-quagga-battery-staple-0003",
    "of digits": "4815162342108000000000000000000004",
    "of base64": "UXVhZ2dhL1F1YWdnYStRdWFnZ2E9MDAwNQ==",
    "of hex": "deadbeef00c0ffee00deadbeef00000006",
    "by the page": "quagga-by-the-page-0000000000007",
}
REFUSED = {
    "with a blank": "quagga refused-by-its-blank-0000008",
    "not ASCII": "quägga-refused-by-its-letter-0000009",
    "too long": "quagga-too-long-" + "0123456789" * 60,
    "as an address": "quagga-as-an-address-000000000010",
    "in broken JSON": "quagga-in-broken-json-00000000011",
}
FILES = """
SELECT current_setting('data_directory') || '/base/' || oid
FROM pg_database WHERE datname = current_database()
"""
PATIENCE_SECONDS = 60
CHECK_SECONDS = 30


@dataclass
class Tale:
    production: Production
    provider: FaultServer
    token: str = ""
    answers: list[str] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    def tell(self) -> None:
        self.production.run("manage.py", "shell", "-v", "0", "-c", STAFF)
        account = {"username": "mara", "password": PASSWORD}
        self.token = self._ask("POST", "auth/register/", account, expect=201).data["token"]
        for key in list(KEYS.values())[:-1]:
            self._ask("PUT", "me/api-key/", {"key": key}, expect=200)
            self._check(plays="auth_invalid_api_key", is_good=False)
        self._send_what_is_refused()
        self._use_the_page()
        self._check(plays="ok", is_good=True)
        session = {"role": "Keeper", "question_count": 1}
        self._ask("POST", "sessions/", session, expect=201)
        for path in ("me/", "me/api-key/", "operations/", "sessions/", "me/tokens/"):
            self._ask("GET", path, expect=200)
        self._look_around_as_staff()

    def _check(self, *, plays: str, is_good: bool) -> None:
        self.provider.playing = plays
        reply = self._ask("POST", "me/api-key/check/", {})
        end = time.monotonic() + PATIENCE_SECONDS
        while reply.status == 202 and time.monotonic() < end:  # the one that is under way
            reply = self._ask("POST", "me/api-key/check/", {})
        assert (reply.status, reply.data["ok"]) == (200, is_good), reply.body

    def _send_what_is_refused(self) -> None:
        for name in ("with a blank", "not ASCII", "too long"):
            self._ask("PUT", "me/api-key/", {"key": REFUSED[name]}, expect=400)
        address = {"key": KEYS["of words"], "base_url": REFUSED["as an address"]}
        self._ask("PUT", "me/api-key/", address, expect=400)
        broken = f'{{"key": "{REFUSED["in broken JSON"]}'.encode()
        self._ask("PUT", "me/api-key/", broken, expect=400)

    def _use_the_page(self) -> None:
        mara = Visitor(self.production.port)
        mara.post("/sign-in/", username="mara", password=PASSWORD)
        for key in (REFUSED["with a blank"], KEYS["by the page"]):
            # The form is on another page than it is sent to.
            self.pages.append(mara.post("/account/key/", key=key))
        self.pages += [mara.get("/account/"), mara.get("/privacy/")]
        assert "…0007" in self.pages[-1].html

    def _look_around_as_staff(self) -> None:
        root = Visitor(self.production.port)
        root.post("/admin/login/", username="root", password=PASSWORD)
        self.pages += root.crawl("/admin/operations/", most=120)

    def export(self) -> str:
        reply = self._ask("GET", "me/account/", expect=200, kept=False)
        with zipfile.ZipFile(BytesIO(reply.body)) as archive:
            return "".join(archive.read(name).decode() for name in archive.namelist())

    def abort_a_worker(self) -> None:
        """As a crash in a library of C would: `faulthandler` says where each thread was."""
        pid = self.production.count("SELECT pid FROM operations_workerheartbeat")
        os.kill(pid, signal.SIGABRT)
        end = time.monotonic() + PATIENCE_SECONDS
        while "Fatal Python error" not in self.production.log.read_text():
            assert time.monotonic() < end
            time.sleep(0.2)

    def dump(self) -> str:
        run = subprocess.run(
            [sys.executable, "manage.py", "dumpdata"],
            cwd=django_settings.BASE_DIR,
            env=self.production.environment,
            capture_output=True,
            check=True,
        )
        return (run.stdout + run.stderr).decode()

    def bytes_of_the_database(self) -> dict[str, bytes]:
        """As they lie on the disk."""
        found = self.production.database.parent.glob("db.sqlite3*")
        if connection.vendor == "postgresql":
            with opened(self.production.database_url) as database:
                database.execute("CHECKPOINT")
                ((directory,),) = database.execute(FILES)
            found = Path(directory).iterdir()
        return {path.name: path.read_bytes() for path in found}

    def _ask(
        self, method: str, path: str, body: Any = None, *, expect: int = 0, kept: bool = True
    ) -> Reply:
        headers = {"Authorization": f"Token {self.token}"} if self.token else {}
        if isinstance(body, bytes):
            headers["Content_Type"] = "application/json"
        reply = self.production.ask(
            method, f"/api/v1/{path}", body, timeout=CHECK_SECONDS, **headers
        )
        assert expect in (0, reply.status), (path, reply.status, reply.body)
        if kept:
            self.answers.append(reply.body.decode())
        return reply


@pytest.fixture
def tale(tmp_path: Path, free_port: int) -> Iterator[Tale]:
    with FaultServer() as provider:
        variables = {
            "LOG_LEVEL": "DEBUG",
            "REGISTRATION_OPEN": "true",
            "OPENAI_API_KEY": "sk-proj-the-key-of-the-installation",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{provider.port}/v1",
            "ADMINS": "operator@example.org",
            "PYTHONFAULTHANDLER": "1",
        }
        production = Production(tmp_path, free_port, variables)
        try:
            production.start(worker=True)
            yield Tale(production, provider)
        finally:
            production.stop()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_key_of_ones_own_is_nowhere_in_clear(tale: Tale) -> None:
    needles = [*KEYS.values(), *REFUSED.values()]

    tale.tell()

    export, dump = tale.export(), tale.dump()
    tale.production.run("manage.py", "operation_stats", "--json")
    while_running = tale.bytes_of_the_database()
    tale.abort_a_worker()
    tale.production.stop()
    log = tale.production.log.read_text()
    at_rest = {f"{name} at rest": data for name, data in tale.bytes_of_the_database().items()}
    files = {**while_running, **at_rest}
    # There was something to find, in each place.
    assert "INVALID_API_KEY" in log
    assert '"level": "debug"' in log
    assert "Fatal Python error: Aborted" in log
    assert len(tale.provider.requests()) > len(KEYS)
    assert own_key_in(dump)["hint"] == "…0007"
    assert "…0007" in export
    assert all("…0007".encode() in b"".join(each.values()) for each in (while_running, at_rest))
    assert any("/admin/operations/ownkey/" in page.url for page in tale.pages)

    assert found(needles, log) == []
    assert found(needles, dump) == []
    assert found(needles, export) == []
    assert found(needles, "\n".join(tale.answers)) == []
    assert found_in_pages(needles, tale.pages) == {}
    assert {name for name, data in files.items() for k in needles if k.encode() in data} == set()


def own_key_in(dump: str) -> dict[str, Any]:
    rows = json.loads(dump[dump.index("[") : dump.rindex("]") + 1])
    (row,) = [each["fields"] for each in rows if each["model"] == "operations.ownkey"]
    fields: dict[str, Any] = row
    return fields


@pytest.mark.django_db
@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("door", ["page", "api"])
def test_no_page_about_an_error_shows_the_key_that_was_sent(
    door: str, debug: bool, settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    alice: User = UserFactory()
    settings.DEBUG = debug
    settings.FIELD_ENCRYPTION_KEY = ("broken, so that saving fails",)
    key = KEYS["of words"]
    answer: Any
    if door == "page":
        client = Client(raise_request_exception=False)
        client.force_login(alice)
        answer = client.post("/account/key/", {"key": key})
    else:
        answer = api_client(alice, raise_request_exception=False).put(
            "/api/v1/me/api-key/", {"key": key}
        )

    assert answer.status_code == 500
    if door == "page" and debug:
        assert re.search("save_own_key|encryption", answer.content.decode()), "the traceback's page"
    assert key not in answer.content.decode()
    assert key not in "".join(capfd.readouterr())

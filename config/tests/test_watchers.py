"""What a collector and a Sentry get from web server and worker, and what they must not get."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from config.tests.broken_settings import KEY, PRIVATE
from config.tests.production import Production
from config.tests.story import EMAIL, PASSWORDS, WORDS, answer
from config.tests.watchers import SeenSpan, Watcher
from operations.tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PATIENCE_SECONDS = 60
ASKED, ANSWERED = "request-that-asked", "request-that-answered"
BROKE_PAGE, BROKE_API = "request-that-broke-a-page", "request-that-broke-the-api"
CALLERS_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
UNSEEN = (PRIVATE, KEY, EMAIL, PASSWORDS["first"], *WORDS.values())


class Story:
    """A practice whose feedback meets a bug of ours, and a page that does."""

    def __init__(self, production: Production) -> None:
        self.production = production
        self.headers: dict[str, str] = {}

    def tell(self) -> None:
        account = {"username": "mara", "email": EMAIL, "password": PASSWORDS["first"]}
        token = self.ask("POST", "auth/register/", account, expect=201)["token"]
        self.headers = {"Authorization": f"Token {token}"}
        self.session = self._ask_for_questions()
        self.problem = self._ask_again_for_something_else()
        question = self._wait_for("question_generation", "completed")["questions"][0]["id"]
        text = {"text": answer(WORDS["answer"])}
        path = f"questions/{question}/answer/"
        self.ask("POST", path, text, expect=201, X_Request_ID=ANSWERED)
        self._wait_for("feedback_analysis", "failed")
        page = self.production.ask("GET", f"/broken/?q={WORDS['query']}", X_Request_ID=BROKE_PAGE)
        assert page.status == 500
        self.ask("GET", "broken/", expect=500, X_Request_ID=BROKE_API)
        assert self.production.ask("GET", f"/password/forgotten/{PRIVATE}/token/").status == 404

    def _ask_for_questions(self) -> Any:
        return self.ask("POST", "sessions/", self._wanted(), expect=201, **self._named())

    def _ask_again_for_something_else(self) -> Any:
        wanted = self._wanted() | {"question_count": 2}
        return self.ask("POST", "sessions/", wanted, expect=422, **self._named())

    @staticmethod
    def _wanted() -> dict[str, Any]:
        posting = f"You look after {WORDS['description']} and ship reliable software."
        return {"role": WORDS["title"], "job_description": posting, "question_count": 1}

    @staticmethod
    def _named() -> dict[str, str]:
        return {
            "X_Request_ID": ASKED,
            "Idempotency_Key": "once",
            "traceparent": f"00-{CALLERS_TRACE}-00f067aa0ba902b7-01",
        }

    def ask(self, method: str, path: str, body: Any = None, *, expect: int, **headers: str) -> Any:
        sent: Any = self.headers | headers
        reply = self.production.ask(method, f"/api/v1/{path}", body, **sent)
        assert reply.status == expect, reply.body
        return reply.data

    def _wait_for(self, kind: str, status: str) -> Any:
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            session = self.ask("GET", f"sessions/{self.session['id']}/", expect=200)
            if (kind, status) in {(each["kind"], each["status"]) for each in session["operations"]}:
                return session
            assert time.monotonic() < end, (session, self.production.log.read_text())
            time.sleep(0.1)

    def log_lines(self) -> Iterator[dict[str, Any]]:
        for line in self.production.log.read_text().splitlines():
            if line.startswith("{"):
                yield json.loads(line)


def test_watchers_are_told_who_asked_and_nothing_that_was_said(tmp_path: Path) -> None:
    with Watcher() as watcher:
        variables = {
            "DJANGO_SETTINGS_MODULE": "config.tests.broken_settings",
            "REGISTRATION_OPEN": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{watcher.address}",
            # Longer than the test: what arrives was sent when its process stopped.
            "OTEL_BSP_SCHEDULE_DELAY": "600000",
            "SENTRY_DSN": f"http://publickey@{watcher.address}/1",
        }
        production = Production(tmp_path, free_port(), variables)
        story = Story(production)
        try:
            production.start(worker=True)
            story.tell()
        finally:
            production.stop()
        spans = list(watcher.spans())

        assert_one_request_is_found_everywhere(story, spans)
        assert_spans_hang_together(spans)
        assert_that_errors_are_told(watcher.events())
        assert [each for each in UNSEEN if each in watcher.everything] == []


UNCAUGHT = f"""
import django
django.setup()
from operations import telemetry
telemetry.start_reports("supervisor")
raise ValueError("{PRIVATE}")
"""


def test_what_ends_a_process_is_told_too(tmp_path: Path) -> None:
    with Watcher() as watcher:
        variables = {"SENTRY_DSN": f"http://publickey@{watcher.address}/1"}
        environment = Production(tmp_path, free_port(), variables).environment
        ended = subprocess.run(
            [sys.executable, "-c", UNCAUGHT],
            cwd=settings.BASE_DIR,
            env=environment,
            capture_output=True,
            text=True,
        )

        (event,) = watcher.events()
        assert ended.returncode == 1
        assert "Sentry" not in ended.stderr
        assert event["exception"]["values"][0]["type"] == "ValueError"
        assert event["tags"] == {"role": "supervisor"}
        assert PRIVATE not in watcher.everything


def assert_one_request_is_found_everywhere(story: Story, spans: list[SeenSpan]) -> None:
    """Web log, worker log, attempt, span and problem document."""
    told = {line["event"]: line for line in story.log_lines() if line.get("request_id") == ASKED}
    web, worker = told["http.request"], told["operation.completed"]
    assert web["pid"] != worker["pid"]
    attempts = f"SELECT count(*) FROM operations_attempt WHERE request_id = '{ASKED}'"  # noqa: S608
    assert story.production.count(attempts) == 1
    found = {
        (each.service, each.name) for each in spans if each.attributes.get("request_id") == ASKED
    }
    assert found == {
        ("interview-practice-web", "POST /api/v1/sessions/"),
        ("interview-practice-worker", "run question_generation"),
        ("interview-practice-worker", "chat gpt-6-luna"),
    }
    assert story.problem["request_id"] == ASKED


def assert_spans_hang_together(spans: list[SeenSpan]) -> None:
    runs = {each.span_id: each for each in spans if each.name.startswith("run ")}
    calls = [each for each in spans if each.name.startswith("chat ")]
    assert {runs[each.parent_id].trace_id == each.trace_id for each in calls} == {True}
    assert {each.attributes["status"] for each in runs.values()} == {"completed", "failed"}
    asked = [each for each in spans if each.name == "POST /api/v1/sessions/"]
    assert {each.trace_id.hex() for each in asked} == {CALLERS_TRACE}
    (broken,) = (each for each in spans if each.name == "GET /broken/")
    assert broken.is_error
    assert broken.attributes["url.path"] == "/broken/"
    paths = {each.attributes.get("url.path") for each in spans}
    assert "/password/forgotten/..." in paths
    assert "/healthz" not in paths


def assert_that_errors_are_told(events: list[dict[str, Any]]) -> None:
    by_request = {event["tags"]["request_id"]: event for event in events}
    assert by_request.keys() == {ANSWERED, BROKE_PAGE, BROKE_API}
    assert len(events) == 3
    for event in events:
        (error,) = event["exception"]["values"]
        assert error["type"] == "ZeroDivisionError"
        frames = error["stacktrace"]["frames"]
        assert frames[-1]["function"] == "broken"
        assert not [frame for frame in frames if "vars" in frame]
    worker, web = by_request[ANSWERED]["tags"], by_request[BROKE_PAGE]["tags"]
    assert (worker["role"], worker["event"]) == ("worker", "operation.crashed")
    assert worker["operation_kind"] == "feedback_analysis"
    assert (web["role"], web["path"]) == ("web", "/broken/")

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config.line_length import MAX_LINE
from config.logging import logging_configuration, without_trace_of_trouble
from operations import broker

SECRET = "sk-proj-" + "a1B2" * 12


class Lines(io.StringIO):
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What the JSON pipe writes, with the process's own logging put back afterwards."""
    yield from written("INFO")


@pytest.fixture
def debug_lines() -> Iterator[Lines]:
    yield from written("DEBUG")


def written(level: str) -> Iterator[Lines]:
    stream = Lines()
    configuration = logging_configuration(level=level, log_format="json")
    configuration["handlers"]["stderr"]["stream"] = stream
    logging.config.dictConfig(configuration)
    yield stream
    logging.config.dictConfig(settings.LOGGING)


def test_own_and_foreign_records_have_the_same_shape(lines: Lines) -> None:
    structlog.get_logger("operations").info("operation.created", operation_id="1")
    logging.getLogger("some.library").warning("took %s s", 3)

    own, foreign = lines.records()

    for record in (own, foreign):
        assert {"timestamp", "level", "logger", "event"} <= set(record)
    assert own["event"] == "operation.created"
    assert (foreign["event"], foreign["level"]) == ("took 3 s", "warning")


@pytest.mark.parametrize("make_logger", [structlog.get_logger, logging.getLogger])
def test_no_key_survives_in_a_message_or_in_a_traceback(make_logger: Any, lines: Lines) -> None:
    local_variable = SECRET
    try:
        raise ValueError(f"refused {local_variable}")
    except ValueError:
        make_logger("any").exception(f"call with {SECRET} failed")

    (record,) = lines.records()
    assert "exception" in record
    assert SECRET not in lines.getvalue()
    assert "local_variable" not in json.dumps(record.get("exception", [{}])[0].get("locals", ""))


@pytest.mark.django_db
def test_request_is_logged_once_without_its_query_string(lines: Lines, client: Client) -> None:
    client.get("/healthz?note=what-a-person-wrote")

    (record,) = [r for r in lines.records() if r["event"] == "http.request"]
    assert (record["method"], record["path"], record["status"]) == ("GET", "/healthz", 200)
    assert record["duration_ms"] >= 0
    assert "what-a-person-wrote" not in lines.getvalue()


@pytest.mark.django_db
def test_missing_page_is_no_warning_and_logged_once(lines: Lines, client: Client) -> None:
    client.get("/no/such/page/")

    assert [(r["event"], r["status"]) for r in lines.records()] == [("http.request", 404)]


@pytest.mark.django_db
def test_a_long_path_is_cut_and_says_how_long_it_was(client: Client, lines: Lines) -> None:
    client.get("/" + "://a:" * 4_000)

    (record,) = [r for r in lines.records() if r["event"] == "http.request"]
    assert len(record["path"]) < 2_100
    assert record["path"].endswith("[… 20001 characters]")


@pytest.mark.django_db(transaction=True)
def test_no_statement_is_in_the_log_whatever_the_level(debug_lines: Lines) -> None:
    logging.getLogger("any.library").debug("a line of this level")

    with CaptureQueriesContext(connection) as queries:
        User.objects.filter(username="strawberry").exists()
    with connection.schema_editor(collect_sql=True) as editor:
        editor.execute("ALTER TABLE strawberry RENAME TO %s", ["strawberry"])

    assert "strawberry" in queries[0]["sql"]
    assert [record["event"] for record in debug_lines.records()] == ["a line of this level"]


def test_no_line_is_too_long(lines: Lines) -> None:
    structlog.get_logger("operations").info("provider.unmapped", words=["word" * 20] * 1_000)

    (record,) = lines.records()
    assert record["shortened"] == ["words"]
    assert len(lines.getvalue()) <= MAX_LINE + 1


def test_redis_that_is_gone_leaves_no_stack_trace(free_port: int) -> None:
    try:
        broker.client(f"redis://127.0.0.1:{free_port}/0").ping()
    except Exception as error:
        event = {"event": "Failed to pull", "exc_info": (type(error), error, error.__traceback__)}

    assert without_trace_of_trouble(None, "error", event) == {
        "event": "Failed to pull",
        "error_type": "ConnectionError",
    }


def test_stack_trace_of_a_bug_stays() -> None:
    error = ValueError("a bug")
    event = {"event": "Oh", "exc_info": (ValueError, error, None)}

    assert "exc_info" in without_trace_of_trouble(None, "error", dict(event))

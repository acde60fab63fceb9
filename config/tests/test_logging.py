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
from django.test import Client

from config.logging import logging_configuration

SECRET = "sk-proj-" + "a1B2" * 12


class Lines(io.StringIO):
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What the JSON pipe writes, with the process's own logging put back afterwards."""
    stream = Lines()
    configuration = logging_configuration(level="INFO", log_format="json")
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

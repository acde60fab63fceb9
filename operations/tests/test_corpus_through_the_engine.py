"""The whole fault corpus as operations: calls, waits, rows, logs and pages."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from pytest_django import Settings

from operations.models import Attempt, Operation
from operations.tests.fault_server import load_corpus
from operations.tests.judgement.kind import PRIVATE
from operations.tests.searching import captured_logs, database_text
from operations.tests.worker import drain_behind_pauses

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

CANARY_KEY = "sk-proj-CANARY0123456789abcdefghijklmnopqrstuvwxyz"
SECRETS = ("CANARY", "strawberries")
assert "strawberries" in PRIVATE

CORPUS = load_corpus()
NOT_SERVED_HERE = {
    # `test_fault_corpus` plays these two: the first needs a second call on one connection; the
    # second is answered before the body is read, in which the model name picks the case here.
    "tr_keepalive_closed_on_reuse",
    "tr_early_response_unread_body",
}
CASES = {
    name: case
    for name, case in CORPUS.items()
    if case["how"] != "stream" and not name.startswith("client_") and name not in NOT_SERVED_HERE
}
HANGING = {name for name, case in CASES.items() if case["error_code"] == "TIMEOUT"}
BASE_SECONDS = 0.2


@dataclass
class Played:
    """What is left after every case was an operation."""

    operations: dict[str, Operation]
    verdict: list[dict[str, Any]]
    seen: dict[str, list[float]]
    """When the server saw each case's calls, in its own monotonic seconds."""
    logs: str


@pytest.fixture
def server() -> Iterator[str]:
    """A fault server in a process of its own: its gzip bombs must not slow our event loop down."""
    script = Path(__file__).with_name("fault_server.py")
    process = subprocess.Popen(
        [sys.executable, str(script), "--port", "0", "--scale", "0.4"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    yield line.split("http://")[1].split("/")[0]
    process.terminate()
    process.wait()
    process.stdout.close()


@pytest.fixture
def played(
    server: str,
    settings: Settings,
    submit: Callable[..., Operation],
    drain: Callable[[], None],
) -> Played:
    settings.OPENAI_BASE_URL = f"http://{server}/v1"
    settings.OPENAI_API_KEY = CANARY_KEY
    settings.OPERATIONS_LEASE_SECONDS = 30
    settings.OPERATIONS_BACKOFF_BASE_SECONDS = BASE_SECONDS
    operations, logs = {}, ""
    # Those that hang end by our time-out; the bombs keep a busy machine longer than that.
    for names, timeout_seconds in ((set(CASES) - HANGING, 20.0), (HANGING, 0.5)):
        settings.OPENAI_TIMEOUT_SECONDS = timeout_seconds
        for name in names:
            # As probes: each is sent, and none waits for what another has found out.
            parameters = {"model": f"fault:{name}~e2e"}
            operations[name] = submit(parameters=parameters, is_probe=True)
        with captured_logs() as stream:
            drain_behind_pauses(drain)
        logs += stream.getvalue()

    for operation in operations.values():
        operation.refresh_from_db()
    log = get(server, "log")
    return Played(
        operations=operations,
        verdict=get(server, "verdict"),
        seen={
            name: [entry["t"] for entry in log if entry["spec"] == f"{name}~e2e"] for name in CASES
        },
        logs=logs,
    )


def get(server: str, what: str) -> Any:
    with urllib.request.urlopen(f"http://{server}/__fault/{what}", timeout=10) as answer:
        return json.load(answer)


def test_every_case_ends_as_labelled_and_leaves_no_trace_of_key_or_text(
    played: Played, client: Client
) -> None:
    wrong = {
        name: problem
        for name, operation in played.operations.items()
        if (problem := what_is_wrong(name, operation, played))
    }

    pages = pages_text(client, played)
    assert not wrong
    assert len(played.operations) >= 130
    assert findings(played.verdict) == []
    assert not Attempt.objects.filter(outcome=Attempt.Outcome.RUNNING).exists()
    assert secrets_in(played.logs) == []
    assert secrets_in(database_text()) == []
    assert secrets_in(pages) == []
    assert "operation.failed" in played.logs, "the logs were really captured"
    assert "INVALID_API_KEY" in pages, "the pages really show the failures"


def what_is_wrong(name: str, operation: Operation, played: Played) -> str:
    """Empty where everything about the case is as its label says."""
    case = CASES[name]
    ledger = list(operation.attempt_ledger.order_by("number"))
    if operation.status == Operation.Status.COMPLETED:
        good = case["expected_category"] == "ok" or case.get("lenient")
        return "" if good and len(ledger) == len(played.seen[name]) == 1 else "completed"
    if (operation.status, operation.error_category, operation.error_code) != (
        "failed",
        case["expected_category"],
        case["error_code"],
    ):
        return f"{operation.status} {operation.error_code}"
    # A refusal that is about the format is asked once more, in a simpler one.
    calls = 4 if case["retriable"] else 2 if case["error_code"] == "INVALID_SCHEMA" else 1
    if not len(ledger) == len(played.seen[name]) == operation.attempts == calls:
        return f"{len(ledger)} attempts, {len(played.seen[name])} calls seen"
    return wrong_waits(case, ledger, played.seen[name])


def wrong_waits(case: dict[str, Any], ledger: list[Attempt], seen: list[float]) -> str:
    waits = [attempt.wait_seconds for attempt in ledger[:-1]]
    if ledger[-1].wait_seconds is not None:
        return "waits after the last call"
    for number, wait in enumerate(waits):
        least = BASE_SECONDS * 2**number
        asked = "retry-after" in {key.lower() for key in case["headers"]}
        if wait is None or wait < least or (wait > least * 1.1 and not asked):
            return f"waits {waits}"
        if seen[number + 1] - seen[number] < wait - 0.01:
            return f"came back {seen[number + 1] - seen[number]:.2f} s after a wait of {wait:.2f}"
    return ""


def findings(verdict: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the server holds against us, less the waits that we refuse on purpose (over 20 s)."""
    return [
        finding
        for finding in verdict
        if not (finding["finding"] == "retry_after_ignored" and finding["retry_after"] > 20)
    ]


def secrets_in(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def pages_text(client: Client, played: Played) -> str:
    """What an operator and an API client are shown of every operation."""
    operator = get_user_model().objects.filter(is_superuser=True).first()
    client.force_login(
        operator or get_user_model().objects.create_superuser("ops", "ops@example.org", "x")
    )
    urls = ["/admin/operations/operation/?all=", "/api/v1/operations/"]
    for operation in played.operations.values():
        urls += [
            f"/admin/operations/operation/{operation.pk}/change/",
            f"/api/v1/operations/{operation.pk}/",
            f"/api/v1/operations/{operation.pk}/attempts/",
        ]
    return "\n".join(_text(client, url) for url in urls)


def _text(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, url
    return str(response.content.decode())

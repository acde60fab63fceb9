"""schemathesis 4.32.5 against the running server with its own schema: every operation, signed in
and not, alone and in sequences, bounded in count and time. No 500, no status or shape that the
schema does not describe, no answer to who is not signed in or whose object is gone.

Its checks that any valid body is accepted and any other refused are left out: a practice that is
finished takes no answer however valid, and the framework takes 0 where text is asked for.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.tests.production import Production
from operations.api.docs import METHODS
from operations.tests.fault_server import FaultServer
from servers.running import ROOT, program

pytestmark = [
    pytest.mark.server("schemathesis"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,unsupported_method,"
    "allow_header_conformance,ignored_auth,use_after_free,ensure_resource_availability"
)
EXAMPLES = 10
"""Of each operation in each phase."""
SECONDS = 90
ACCOUNT = {"username": "fuzz", "password": "three green bicycles"}


@pytest.fixture
def production(tmp_path: Path, free_port: int) -> Iterator[Production]:
    # Not the simulated provider: whoever saves a key of their own would call the real one.
    with FaultServer() as provider:
        variables = {
            "REGISTRATION_OPEN": "true",
            "API_THROTTLES": "false",
            "MAX_UNFINISHED_OPERATIONS_PER_USER": "100000",
            "OPENAI_API_KEY": "sk-proj-a-key-for-tests-only",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{provider.port}/v1",
        }
        production = Production(tmp_path, free_port, variables)
        try:
            production.start(worker=True)
            yield production
        finally:
            production.stop()


@pytest.mark.parametrize("signed_in", [True, False], ids=["signed in", "anonymous"])
def test_no_request_gets_what_the_schema_does_not_say(
    signed_in: bool, production: Production, tmp_path: Path
) -> None:
    token = production.ask("POST", "/api/v1/auth/register/", ACCOUNT).data["token"]
    report = tmp_path / "report.ndjson"

    ended = run(production, report, token=token if signed_in else "")

    assert ended.returncode == 0, ended.stdout[-20_000:]
    assert '"status": 500' not in production.log.read_text()
    assert operations_tried(report) == set(operations(production))


def run(production: Production, report: Path, *, token: str) -> subprocess.CompletedProcess[str]:
    base = f"http://127.0.0.1:{production.port}"
    command = [
        *(program("schemathesis", "st"), "--no-color", "run", f"{base}/api/schema/"),
        *("--checks", CHECKS, "--max-examples", str(EXAMPLES), "--max-time", str(SECONDS)),
        *("--generation-deterministic", "--no-shrink", "--continue-on-failure"),
        *("--report", "ndjson", "--report-ndjson-path", str(report)),
    ]
    environment = {
        "PATH": production.environment["PATH"],
        "API_UNDER_TEST": base,
        "TOKEN": token,
        "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
        "PYTHONPATH": str(ROOT / "servers"),
    }
    return subprocess.run(
        command, env=environment, cwd=report.parent, capture_output=True, text=True
    )


def operations(production: Production) -> Iterator[str]:
    schema = production.ask("GET", "/api/schema/").data
    for path, methods in schema["paths"].items():
        for method in methods:
            if method in METHODS:
                yield f"{method.upper()} {path}"


def operations_tried(report: Path) -> set[str]:
    """Of which at least one request was sent."""
    events: list[dict[str, Any]] = [json.loads(line) for line in report.read_text().splitlines()]
    scenarios = [event["ScenarioFinished"] for event in events if "ScenarioFinished" in event]
    return {
        scenario["recorder"]["label"] for scenario in scenarios if scenario["status"] != "skip"
    } - {"Stateful tests"}

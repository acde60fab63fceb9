"""A client that a generator makes from our schema goes the whole path: the schema is right where
somebody relies on it, not only valid."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interview_app.tests.conftest import RunningApp
from interview_app.tests.samples import STRONG_ANSWER
from operations.api.docs import openapi

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PACKAGE = "generated_interview_client"
CONFIGURATION = {
    "post_hooks": [],
    # The one type that the generator does not know.
    "content_type_overrides": {"application/zip": "application/octet-stream"},
}
WAIT_SECONDS = 60


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Any]]:
    """Imports a module of the client."""
    directory = tmp_path_factory.mktemp("client")
    schema, configuration = directory / "schema.json", directory / "configuration.json"
    schema.write_text(json.dumps(openapi(), default=str))
    configuration.write_text(json.dumps(CONFIGURATION))
    generate(schema, configuration, directory / PACKAGE)
    sys.path.insert(0, str(directory))
    yield lambda name: importlib.import_module(f"{PACKAGE}.{name}")
    sys.path.remove(str(directory))


def generate(schema: Path, configuration: Path, package: Path) -> None:
    """A warning of the generator is a part of the API that its client does not have."""
    made = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate"),
            *("--meta", "none", "--fail-on-warning"),
            *("--path", schema, "--config", configuration, "--output-path", package),
        ],
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stdout + made.stderr


def wait_until(look: Callable[[], Any], is_there: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_there(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.3)
    return found


Call = Callable[..., Any]


@pytest.fixture
def call(generated: Callable[[str], Any]) -> Call:
    """A route of the API, by the name of its module."""

    def call(route: str, client: Any, *ids: Any, **arguments: Any) -> Any:
        answer = generated(f"api.{route}").sync_detailed(*ids, client=client, **arguments)
        assert 200 <= answer.status_code < 300, answer.content
        return answer.parsed

    return call


@pytest.fixture
def gina(running_app: RunningApp, generated: Callable[[str], Any], call: Call) -> Iterator[Any]:
    """The client of somebody who has just made an account with another one."""
    models, clients = generated("models"), generated("client")
    person = models.RegisterRequest(
        username="gina", email="gina@example.org", password="three green bicycles"
    )
    with clients.Client(base_url=running_app.url) as anybody:
        token = call("auth.auth_register_create", anybody, body=person).token
    with clients.AuthenticatedClient(
        base_url=running_app.url, token=token, prefix="Token"
    ) as client:
        yield client


def test_a_generated_client_goes_the_whole_path(
    generated: Callable[[str], Any], call: Call, gina: Any
) -> None:
    models = generated("models")
    assert call("me.me_retrieve", gina).username == "gina"
    key = models.KeyInputRequest(key="a-key-of-gina-for-tests")
    assert call("me.me_api_key_update", gina, body=key).hint == "…ests"
    assert call("me.me_api_key_retrieve", gina).configured
    call("me.me_api_key_destroy", gina)  # before anything is asked for: nothing is called with it

    started = call(
        "sessions.sessions_create",
        gina,
        body=models.SessionInputRequest(role="Backend engineer", question_count=2),
        idempotency_key="gina-1",
    )
    assert started.operation.subject.id == str(started.id)

    def session() -> Any:
        return call("sessions.sessions_retrieve", gina, started.id)

    questions = wait_until(session, lambda found: found.questions).questions
    answered = call(
        "questions.questions_answer_create",
        gina,
        questions[0].id,
        body=models.AnswerInputRequest(text=STRONG_ANSWER),
    )
    operation = wait_until(
        lambda: call("operations.operations_retrieve", gina, answered.operation.id),
        lambda found: found.finished_at is not None,
    )
    assert (operation.status.value, operation.simulated) == ("completed", True)
    ledger = call("operations.operations_attempts_list", gina, operation.id)
    assert [each.outcome.value for each in ledger.results] == ["succeeded"]

    call("sessions.sessions_finish_create", gina, started.id)
    finished = wait_until(session, lambda found: found.summary)
    assert finished.summary.missing == [2]
    feedback = finished.questions[0].feedback
    assert feedback.score == finished.summary.overall
    assert {criterion.key for criterion in feedback.criteria}
    assert finished.questions[1].feedback is None
    (competency,) = call("progress.progress_retrieve", gina).competencies
    assert competency.points[0].score == feedback.score
    assert "> " in call("sessions.sessions_export_retrieve", gina, started.id)
    assert call("me.me_account_retrieve", gina).payload.read(2) == b"PK"

    retaken = call("sessions.sessions_retake_create", gina, started.id)
    assert retaken.attempt_number == 2
    refused = generated("api.operations.operations_retry_create").sync(
        operation.id, client=gina, body=models.RetryInputRequest()
    )
    assert (refused.status, refused.code) == (409, "NOT_RETRYABLE")
    call("me.me_account_destroy", gina)
    assert generated("api.me.me_retrieve").sync(client=gina).code == "AUTHENTICATION_FAILED"

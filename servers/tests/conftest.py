"""Tests with servers that nobody here wrote. Each is skipped, by name, where its server is not
installed below .local/servers; `make servers` installs them and runs these tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from interview_app.tests.engine import run_what_is_due
from operations import capabilities, kinds
from operations.models import Operation
from operations.services import submit_operation
from operations.tests.judgement.kind import JudgementKind
from servers.running import is_installed, missing


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("server"):
        if not is_installed(marker.args[0]):
            pytest.skip(missing(marker.args[0]))


@pytest.fixture(autouse=True)
def patient_engine(settings: Settings) -> None:
    """A proxy in an interpreter of its own is slow to answer on a busy machine."""
    capabilities.forget()
    settings.OPENAI_API_KEY = "sk-proj-a-key-for-tests-only"
    settings.OPENAI_TIMEOUT_SECONDS = 30.0
    settings.OPERATIONS_LEASE_SECONDS = 30
    settings.OPERATIONS_BACKOFF_BASE_SECONDS = 0.2


@pytest.fixture
def judgement() -> Iterator[JudgementKind]:
    kind = JudgementKind()
    kinds.register(kind)
    yield kind
    kinds.unregister(kind.name)


@pytest.fixture
def submit(judgement: JudgementKind) -> Callable[[str], Operation]:
    """Submit an operation of the test kind that asks this model."""

    def submit_one(model: str) -> Operation:
        return submit_operation(
            kind=judgement.name,
            subject_type="test",
            subject_id=model[:36],
            parameters={"model": model},
            door="api",
        )

    return submit_one


@pytest.fixture
def drain() -> Callable[[], None]:
    return run_what_is_due

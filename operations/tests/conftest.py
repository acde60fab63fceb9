"""A test kind, a provider on a real socket, and the two ways to make the engine run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from pytest_django import Settings

from operations import capabilities, kinds
from operations.engine.drain import Drain
from operations.models import Operation
from operations.services import submit_operation
from operations.tests.fault_server import FaultServer
from operations.tests.judgement.kind import JudgementKind
from operations.tests.worker import WorkerProcess


@pytest.fixture(autouse=True)
def nothing_learned() -> None:
    """What a server takes was learned from another test's server, perhaps at the same port."""
    capabilities.forget()


@pytest.fixture
def judgement() -> Iterator[JudgementKind]:
    kind = JudgementKind()
    kinds.register(kind)
    yield kind
    kinds.unregister(kind.name)


@pytest.fixture
def submit(judgement: JudgementKind) -> Callable[..., Operation]:
    """Submit an operation of the test kind about a subject of its own."""
    numbers = iter(range(1, 10_000))

    def submit_one(**values: Any) -> Operation:
        subject = values.pop("subject_id", f"subject-{next(numbers)}")
        return submit_operation(
            kind=judgement.name, subject_type="test", subject_id=subject, door="api", **values
        )

    return submit_one


@pytest.fixture
def provider(settings: Settings) -> Iterator[FaultServer]:
    """A fault server on loopback that the installation's key points to; it plays `ok`."""
    with FaultServer() as server:
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.port}/v1"
        settings.OPENAI_API_KEY = "sk-proj-a-key-for-tests-only"
        yield server


def drain_until_idle(**values: Any) -> None:
    asyncio.run(Drain(until_idle=True, **values).run())


@pytest.fixture
def drain() -> Callable[..., None]:
    """Run everything that is due, in this process, with the real engine."""
    return partial(drain_until_idle)


@pytest.fixture
def worker(provider: FaultServer) -> Iterator[WorkerProcess]:
    """`manage.py operations_worker` on this test's database and provider; ended with the test."""
    process = WorkerProcess(provider)
    yield process
    process.kill_everything()

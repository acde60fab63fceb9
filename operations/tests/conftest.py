"""A test kind, a provider on a real socket, and the two ways to make the engine run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pytest
from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field
from pytest_django import Settings

from operations import kinds
from operations.engine.drain import Drain
from operations.kinds import ProviderReply, ProviderRequest
from operations.models import Operation, OperationEvent
from operations.services import submit_operation
from operations.tests.fault_server import FaultServer

APPLIED = "test.applied"


class Judgement(BaseModel):
    """The schema of the fault corpus: {score: integer 0–10, feedback: string}."""

    model_config = ConfigDict(extra="ignore", strict=True)

    score: int = Field(ge=0, le=10)
    feedback: str = Field(min_length=1)


class JudgementKind:
    """Asks for a judgement; each applied result leaves one event row, so doubles can be counted."""

    name = "judgement"
    label = "judgement"
    failure_lead = "We could not judge this"

    def __init__(self) -> None:
        self.broken_in = ""

    def request(self, operation: Operation) -> ProviderRequest:
        self._break("request")
        return ProviderRequest(
            kind=self.name,
            messages=({"role": "user", "content": f"Judge {operation.subject_id}."},),
            schema=Judgement.model_json_schema() | {"additionalProperties": False},
            prompt_version="judgement/1",
        )

    def parse(self, content: object, request: ProviderRequest) -> Judgement:
        self._break("parse")
        return Judgement.model_validate(content)

    def apply(self, operation: Operation, result: Judgement, reply: ProviderReply) -> None:
        OperationEvent.objects.create(
            operation=operation, name=APPLIED, at=timezone.now(), fence=operation.fence
        )
        self._break("apply")

    def simulate(self, request_body: Mapping[str, Any]) -> object:
        return {"score": 7, "feedback": "Clear."}

    def _break(self, step: str) -> None:
        if self.broken_in == step:
            raise ZeroDivisionError("a bug in the kind, with a private word: strawberry")


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

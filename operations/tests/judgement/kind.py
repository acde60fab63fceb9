"""A kind for tests: the engine knows nothing of interviews, so neither do its tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy
from pydantic import BaseModel, ConfigDict, Field

from operations.kinds import Kind, ProviderReply, ProviderRequest
from operations.models import Operation, OperationEvent

APPLIED = "test.applied"

PRIVATE = "I would fight a hundred strawberries before I told you this."
"""Stands for what a person wrote: sent with every request, and to be found nowhere afterwards."""


class Judgement(BaseModel):
    """The schema of the fault corpus: {score: integer 0–10, feedback: string}."""

    model_config = ConfigDict(extra="ignore", strict=True)

    score: int = Field(ge=0, le=10)
    feedback: str = Field(min_length=1)


class JudgementKind(Kind):
    """Asks for a judgement; each applied result leaves one event row, so doubles can be counted."""

    name = "judgement"
    label = gettext_lazy("judgement")
    failure_lead = gettext_lazy("We could not judge this")

    def __init__(self) -> None:
        self.broken_in = ""
        self.padding = ""
        """Written with each result: makes it as large as a test needs."""
        self.steady = False

    def subjects(self, operations: Sequence[Operation]) -> Mapping[str, None]:
        return dict.fromkeys(operation.subject_id for operation in operations)

    def request(self, operation: Operation, subject: None) -> ProviderRequest:
        self._break("request")
        return ProviderRequest(
            kind=self.name,
            messages=({"role": "user", "content": f"Judge {operation.subject_id}. {PRIVATE}"},),
            schema=Judgement.model_json_schema() | {"additionalProperties": False},
            prompt_version="judgement/1",
            model=operation.parameters.get("model"),
            steady=self.steady,
        )

    def parse(self, content: object, request: ProviderRequest) -> Judgement:
        self._break("parse")
        return Judgement.model_validate(content)

    def apply(
        self, operation: Operation, result: Judgement, reply: ProviderReply
    ) -> Iterator[OperationEvent]:
        yield OperationEvent(
            operation=operation,
            name=APPLIED,
            at=timezone.now(),
            fence=operation.fence,
            detail={"padding": self.padding} if self.padding else {},
        )
        self._break("apply")

    def simulate(self, request_body: Mapping[str, Any]) -> object:
        return {"score": 7, "feedback": "Clear."}

    def _break(self, step: str) -> None:
        if self.broken_in == step:
            raise ZeroDivisionError("a bug in the kind, with a private word: strawberry")

"""Ours: the same job as a Kind of the product. The engine does the rest, nothing switched off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from bench.content import SCHEMA, Feedback, messages, parse, right_answer
from bench.work.models import Job
from bench.work.writing import write_result
from operations.kinds import ProviderReply, ProviderRequest
from operations.models import Operation


class BenchFeedback:
    name = "bench_feedback"
    label = gettext_lazy("Feedback")
    failure_lead = gettext_lazy("We could not analyse your answer")
    waits_for: tuple[str, ...] = ()

    def request(self, operation: Operation) -> ProviderRequest:
        job = Job.objects.get(pk=operation.subject_id)
        return ProviderRequest(
            kind=self.name,
            messages=messages(job.prompt),
            schema=SCHEMA,
            prompt_version="bench/1",
        )

    def parse(self, content: object, request: ProviderRequest) -> Feedback:
        return parse(content)

    def apply(self, operation: Operation, result: Feedback, reply: ProviderReply) -> None:
        write_result(operation.subject_id, result, reply.model)

    def simulate(self, request_body: Mapping[str, Any]) -> object:
        return right_answer("never asked")

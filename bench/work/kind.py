"""Ours: the same job as a Kind of the product. The engine does the rest, nothing switched off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy

from bench.content import SCHEMA, Feedback, messages, parse, right_answer
from bench.work.models import Job, Result
from bench.work.writing import result_row
from operations.kinds import Kind, ProviderReply, ProviderRequest
from operations.models import Operation


class BenchFeedback(Kind):
    name = "bench_feedback"
    label = gettext_lazy("Feedback")
    failure_lead = gettext_lazy("We could not analyse your answer")
    waits_for: tuple[str, ...] = ()  # for `bench.against`: older commits' Kind has no default

    def subjects(self, operations: Sequence[Operation]) -> Mapping[str, Job]:
        jobs = Job.objects.filter(pk__in=[operation.subject_id for operation in operations])
        return {str(job.pk): job for job in jobs}

    def request(self, operation: Operation, subject: Job) -> ProviderRequest:
        return ProviderRequest(
            kind=self.name,
            messages=messages(subject.prompt),
            schema=SCHEMA,
            prompt_version="bench/1",
        )

    def parse(self, content: object, request: ProviderRequest) -> Feedback:
        return parse(content)

    def apply(
        self, operation: Operation, result: Feedback, reply: ProviderReply
    ) -> Iterator[Result]:
        yield result_row(operation.subject_id, result, reply.model)

    def simulate(self, request_body: Mapping[str, Any]) -> object:
        return right_answer("never asked")

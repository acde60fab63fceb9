"""The result row, written by one function for ours and for every peer with Django's ORM."""

from __future__ import annotations

from bench.content import Feedback
from bench.work.models import Result


def write_result(job_id: object, feedback: Feedback, model: str) -> None:
    Result.objects.create(
        job_id=job_id,
        score=feedback.score,
        feedback=feedback.feedback,
        strengths=[strength.model_dump() for strength in feedback.strengths],
        model=model,
    )

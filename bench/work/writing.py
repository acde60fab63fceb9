"""The result row, made by one function for ours and for every peer."""

from __future__ import annotations

from bench.content import Feedback
from bench.work.models import Result


def result_row(job_id: object, feedback: Feedback, model: str) -> Result:
    return Result(
        job_id=job_id,
        score=feedback.score,
        feedback=feedback.feedback,
        strengths=[strength.model_dump() for strength in feedback.strengths],
        model=model,
    )

"""What a practice is expected to cost, told before it begins."""

from __future__ import annotations

from interview_app.queries import FEEDBACK_ANALYSIS, QUESTION_GENERATION, SESSION_SUMMARY
from operations.estimates import Estimate, estimate_of


def practice_estimate(question_count: int) -> Estimate | None:
    """Of the questions, one answer to each and the summary; follow-ups, second opinions and further
    answers come on top. None while nothing is known. One statement."""
    return estimate_of(
        {QUESTION_GENERATION: 1, FEEDBACK_ANALYSIS: question_count, SESSION_SUMMARY: 1}
    )

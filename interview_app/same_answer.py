"""The same answer to the same question, judged by the same model, prompt and rubric, is not judged
again: it has the result that it had.

Per person: nobody sees what somebody else's answer brought. Simulated results are never used
again, so that none can stand where a real one should.
"""

from __future__ import annotations

import hashlib
import json

from django.conf import settings

from interview_app.models import Answer, Feedback
from interview_app.prompts import current_prompt
from interview_app.queries import FEEDBACK_ANALYSIS
from operations.credentials import installation_base_url


def content_of(answer: Answer, *, prompt_version: str, rubric_version: str) -> list[str]:
    """All that the judgement of this answer depends on, but for the model. Each difference, of one
    character, is another answer."""
    question = answer.question
    session = question.session
    return [
        prompt_version,
        rubric_version,
        session.language,
        session.seniority,
        session.role,
        question.type,
        question.competency,
        question.text,
        answer.text,
    ]


def content_hash(content: list[str], *, model: str | None = None) -> str:
    """SHA-256 of the content, the server and the model asked for (None: the usual one)."""
    judged_by = [installation_base_url(), model or settings.OPENAI_MODEL]
    return hashlib.sha256(json.dumps([*judged_by, *content]).encode()).hexdigest()


def feedback_of_the_same(answer: Answer, *, rubric_version: str) -> Feedback | None:
    """The newest real feedback by this rubric that this answer's person had for the same, or
    None."""
    prompt_version = current_prompt(FEEDBACK_ANALYSIS).version
    known = content_hash(
        content_of(answer, prompt_version=prompt_version, rubric_version=rubric_version)
    )
    owner_id = answer.question.session.owner_id
    return (
        Feedback.objects.filter(
            content_hash=known, simulated=False, answer__question__session__owner_id=owner_id
        )
        .order_by("-created_at")
        .first()
    )

"""A finished practice for visitors to look at: read-only, in no database.

`practice.json` holds the rows as `dumpdata` writes them: a script (`tests/data/example.json`, the
candidate's answers and the interviewer's replies) that went through the engine and its checks. A
test does that again; `REMAKE_EXAMPLE=1 pytest interview_app/tests/test_example.py` writes the file.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from django.core import serializers

from interview_app.models import Answer, Feedback, InterviewSession, Question, SessionSummary
from interview_app.queries import AnswerDetail, QuestionDetail, SessionDetail, usage_of

FILE = Path(__file__).with_name("practice.json")


@lru_cache(maxsize=1)
def finished_example() -> SessionDetail:
    """As `session_detail` gives it, without operations: nothing of it can be asked for again."""
    rows = _rows()
    session: InterviewSession = rows[InterviewSession][0]
    session.summary = rows[SessionSummary][0]
    feedback = {each.answer_id: each for each in rows[Feedback]}
    answers: dict[Any, list[AnswerDetail]] = {}
    for answer in rows[Answer]:
        detail = AnswerDetail(answer, feedback.get(answer.pk), None, None, None)
        answers.setdefault(answer.question_id, []).append(detail)
    return SessionDetail(
        session=session,
        questions=[
            QuestionDetail(each, answers.get(each.pk, []), None, None, [], None)
            for each in rows[Question]
        ],
        operations=[],
        generation=None,
        summary_operation=None,
        summary=session.summary,
        usage=usage_of([]),
    )


def _rows() -> dict[type, list[Any]]:
    rows: dict[type, list[Any]] = {}
    for each in serializers.deserialize("json", FILE.read_text("utf-8")):
        rows.setdefault(type(each.object), []).append(each.object)
    return rows

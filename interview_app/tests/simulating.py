"""What the simulated provider answers, from the request bodies that the kinds build."""

from __future__ import annotations

from typing import Any

from interview_app.kinds import feedback_analysis, question_generation
from interview_app.models import Answer, InterviewSession, Question
from interview_app.rubric import rubric_for
from operations.kinds import get_kind


def request_body(kind: str, user_message: str, schema: object) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "system", "content": "…"},
            {"role": "user", "content": user_message},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": kind, "strict": True, "schema": schema},
        },
    }


def simulate(kind: str, user_message: str, schema: object) -> Any:
    return get_kind(kind).simulate(request_body(kind, user_message, schema))


def simulated_questions(**values: Any) -> list[dict[str, str]]:
    session = InterviewSession(**({"role": "Senior Backend Engineer"} | values))
    content = simulate(
        "question_generation",
        question_generation.user_message(session),
        question_generation.questions_schema(session.question_count, session.interview_type),
    )
    questions: list[dict[str, str]] = content["questions"]
    return questions


def simulated_feedback(
    text: str,
    *,
    question: str = "The posting names payment and capture. When did you mend something like it?",
    type: str = "behavioral",
    language: str = "en",
) -> dict[str, Any]:
    session = InterviewSession(role="Engineer", language=language)
    asked = Question(session=session, text=question, type=type, competency="Ownership")
    content: dict[str, Any] = simulate(
        "feedback_analysis",
        feedback_analysis.user_message(Answer(question=asked, text=text)),
        feedback_analysis.feedback_schema(rubric_for(type)),
    )
    return content

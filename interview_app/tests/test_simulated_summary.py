"""The simulated summary lists what the feedback lines hold and says that it understood nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interview_app.blocks import block, fields_block
from interview_app.kinds.session_summary import SummaryContent, summary_schema
from interview_app.tests.simulating import simulate
from operations.tests.examples import examples

any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
any_line = st.fixed_dictionaries(
    {
        "competency": any_text,
        "text": any_text,
        "score": st.none() | st.floats(1, 5),
        "strengths": st.lists(any_text.filter(str.strip), max_size=3),
        "fixes": st.lists(
            st.fixed_dictionaries({"criterion": any_text, "try_this": any_text}), max_size=3
        ),
    }
)


def simulated_summary(lines: list[dict[str, Any]], language: str = "en") -> dict[str, Any]:
    data = "\n".join(
        json.dumps({"question": number} | line, ensure_ascii=False)
        for number, line in enumerate(lines, start=1)
    )
    settings_block = fields_block("interview", {"language": language, "role": "Engineer"})
    message = f"{settings_block}\n{block('feedback', data)}"
    content: dict[str, Any] = simulate("session_summary", message, summary_schema())
    return content


def line(score: float | None, *strengths: str, try_this: str = "Add a number.") -> dict[str, Any]:
    fixes = [{"criterion": "specificity", "try_this": try_this}]
    return {
        "competency": f"Skill {score}",
        "text": "Why?",
        "score": score,
        "strengths": list(strengths),
        "fixes": fixes,
    }


def test_points_come_once_with_the_numbers_of_their_questions() -> None:
    summary = simulated_summary([line(4, "You count."), line(2, "You count.", "You speak.")])

    assert summary["strengths"] == ["You count (question 1, 2).", "You speak (question 2)."]
    assert summary["habits"] == ["Add a number (question 1, 2)."]
    assert "question 2" in summary["exercise"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["understood nothing", "most was found in question 3 (Skill 5)", "question 2."]),
        ("de", ["nichts verstanden", "am meisten fand sich bei Frage 3 (Skill 5)", "Frage 2."]),
    ],
)
def test_it_says_what_was_counted_what_is_missing_and_that_nothing_was_understood(
    language: str, words: list[str]
) -> None:
    text = simulated_summary([line(4), line(None), line(5)], language)["text"]

    assert all(each in text for each in words)


def test_a_line_separator_of_unicode_does_not_break_a_line() -> None:
    summary = simulated_summary([line(4, "You\u2028count.\x85")])

    assert "You\u2028count" in summary["strengths"][0]


@pytest.mark.parametrize("language", ["en", "de"])
@settings(max_examples=examples(40), deadline=None)
@given(lines=st.lists(any_line, min_size=1, max_size=6))
def test_any_feedback_gets_a_summary_that_fits_and_is_the_same_again(
    language: str, lines: list[dict[str, Any]]
) -> None:
    summary = simulated_summary(lines, language)

    SummaryContent.model_validate(summary)
    assert len(summary["habits"]) <= 2
    assert summary == simulated_summary(lines, language)
    if all(each["score"] is None for each in lines):
        assert (summary["strengths"], summary["habits"]) == ([], [])

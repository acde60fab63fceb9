"""Whatever a provider says of an answer: what is shown quotes that answer, and invents no fact.

Held by other code than the guards' own (`quality.texts`), over the golden set.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interview_app.kinds.feedback_analysis import FeedbackAnalysis
from interview_app.kinds.question_generation import QuestionGeneration
from interview_app.models import RubricVersion
from interview_app.quality import texts
from interview_app.quality.asking import Task, tasks_for
from interview_app.quality.golden import golden_jobs
from interview_app.rubric import rubric_in
from interview_app.tests.factories import own_criteria
from operations.errors import InvalidResponseError
from operations.tests.examples import examples

KIND = FeedbackAnalysis()
GOLDEN = [
    task
    for task in tasks_for(golden_jobs(), runs=1, feedback=KIND, questions=QuestionGeneration())
    if task.kind is KIND
]
OWN = RubricVersion(slug="own", number=1, criteria=own_criteria("safety", "cost"))


def by_own(task: Task) -> Task:
    """Judged by an operator's rubric."""
    context = {**task.request.context, "rubric": rubric_in(task.job.language, OWN)}
    return replace(task, request=replace(task.request, context=context))


TASKS = [*GOLDEN, *map(by_own, GOLDEN)]
FOREIGN = [
    "I led fifty people at Siemens", "„Ich habe alles allein gemacht“", "SAP", "November", "4711",
    "dreihundert", "“the best nurse of all”", "I", "", " ", "null", "\u200b", "[Google 2019]",
    "</candidate_answer>", "doubled", "GitLab", "12 %", "…", "“”",
]  # fmt: skip
CHANGES = (
    str.upper,
    str.swapcase,
    lambda text: text.replace(" ", "  \n"),
    lambda text: text.replace("a", "\u200ba"),
    lambda text: f"“{text}”",
    lambda text: text[1:-1],
    lambda text: text.replace(" ", " not ", 1),
    lambda text: text + " at Siemens",
    lambda text: text,
)


@st.composite
def pieces(draw: Any, answer: str) -> str:
    """A piece of the answer, untouched or twisted, or something that nobody wrote."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(FOREIGN))
    start = draw(st.integers(0, len(answer)))
    piece = answer[start : start + draw(st.integers(0, 90))]
    return draw(st.sampled_from(CHANGES))(piece)


@st.composite
def hostile(draw: Any, answer: str, keys: tuple[str, ...]) -> dict[str, Any]:
    piece = pieces(answer)
    sentence = st.lists(piece, max_size=3).map(" ".join)
    score = st.none() | st.sampled_from([1, 2.5, 5])
    criterion = draw(st.fixed_dictionaries({"reason": sentence, "score": score}))
    strength = st.fixed_dictionaries({"text": sentence, "quote": piece})
    fix = st.fixed_dictionaries(
        {
            "criterion": st.sampled_from(keys),
            "quote": st.none() | piece,
            "why": sentence,
            "try_this": sentence,
        }
    )
    return {
        "criteria": dict.fromkeys(keys, criterion),
        "response_type": "other",
        "strengths": draw(st.lists(strength | st.just(None), max_size=5)),
        "fixes": draw(st.lists(fix, max_size=5)),
        "rewrite": draw(st.none() | sentence),
    }


@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_every_quote_that_is_shown_stands_in_the_answer(data: st.DataObject) -> None:
    task = data.draw(st.sampled_from(TASKS))
    answer = task.job.answer(task.sort)
    keys = task.request.context["rubric"].keys

    try:
        analysis = KIND.parse(data.draw(hostile(answer, keys)), task.request)
    except InvalidResponseError:
        return

    for quote in texts.quotes(analysis):
        assert texts.stands_in(quote, answer), quote
    invented = list(texts.invented(analysis.rewrite or "", answer))
    assert not invented, analysis.rewrite


SCORE = {"reason": "Seen.", "score": 4}
REPLY: dict[str, Any] = {
    "response_type": "other",
    "strengths": [],
    "fixes": [],
    "rewrite": None,
}


@pytest.mark.parametrize(
    "criteria",
    [
        {"relevance": SCORE, "action": SCORE},
        {"safety": {"reason": "Seen.", "score": 6}, "cost": {"reason": "Seen.", "score": "5"}},
        {"safety": None, "cost": 4},
    ],
    ids=["of another rubric", "out of range", "no criteria at all"],
)
def test_a_reply_without_one_score_of_an_own_rubric_is_refused(criteria: dict[str, Any]) -> None:
    with pytest.raises(InvalidResponseError):
        KIND.parse(REPLY | {"criteria": criteria}, by_own(GOLDEN[0]).request)


def test_of_an_own_rubric_only_its_criteria_are_kept() -> None:
    fixes = [
        {"criterion": key, "quote": None, "why": "No.", "try_this": "Yes."}
        for key in ("relevance", "cost")
    ]
    criteria = {"safety": SCORE, "cost": {"score": 9}, "relevance": SCORE}

    analysis = KIND.parse(REPLY | {"criteria": criteria, "fixes": fixes}, by_own(GOLDEN[0]).request)

    assert [(each["key"], each["score"]) for each in analysis.criteria] == [
        ("safety", 4),
        ("cost", None),
    ]
    assert [each.criterion for each in analysis.fixes] == ["cost"]

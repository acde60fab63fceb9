"""Whatever a provider says of an answer: what is shown quotes that answer, and invents no fact.

Held by other code than the guards' own (`quality.texts`), over the golden set.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from interview_app.kinds.feedback_analysis import FeedbackAnalysis
from interview_app.kinds.question_generation import QuestionGeneration
from interview_app.quality import texts
from interview_app.quality.asking import tasks_for
from interview_app.quality.golden import golden_jobs
from operations.errors import InvalidResponseError
from operations.tests.examples import examples

KIND = FeedbackAnalysis()
TASKS = [
    task
    for task in tasks_for(golden_jobs(), runs=1, feedback=KIND, questions=QuestionGeneration())
    if task.kind is KIND
]
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

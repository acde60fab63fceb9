from __future__ import annotations

from decimal import Decimal

import pytest

from interview_app.models import InterviewType
from interview_app.rubric import (
    BEHAVIOURAL,
    CRITERION_NAMES,
    RUBRICS,
    TECHNICAL,
    criterion_name,
    mean_score,
    name_of_key,
    rubric_for,
)
from interview_app.rubric_rules import BUILT_IN_SLUGS


@pytest.mark.parametrize(
    ("scores", "mean"),
    [
        ([3, 4], "3.5"),
        ([3, 3, 4], "3.3"),
        ([1, 1, 1, 2], "1.3"),
        ([4.5, None, 3.0], "3.8"),
        ([5.0], "5.0"),
    ],
)
def test_the_mean_skips_what_is_not_scored_and_rounds_half_up(
    scores: list[float | None], mean: str
) -> None:
    assert mean_score(scores) == Decimal(mean)


@pytest.mark.parametrize("scores", [[], [None, None]], ids=["none given", "none scored"])
def test_without_a_score_there_is_no_mean(scores: list[None]) -> None:
    assert mean_score(scores) is None


def test_every_type_of_question_has_a_rubric_with_named_criteria_and_anchors() -> None:
    asked = [each for each in InterviewType.values if each != InterviewType.MIXED]

    assert sorted(RUBRICS) == sorted(asked)
    for rubric in RUBRICS.values():
        assert set(rubric.keys) <= set(CRITERION_NAMES)
        assert len(set(rubric.keys)) == len(rubric.keys) == 6
        assert all(each.low and each.middle and each.high for each in rubric.criteria)


def test_a_technical_question_has_a_rubric_of_its_own() -> None:
    assert rubric_for("technical") is TECHNICAL
    assert rubric_for("behavioral") is BEHAVIOURAL
    assert {"correctness", "reasoning", "depth"} <= set(TECHNICAL.keys)


def test_a_criterion_of_an_older_rubric_stands_for_itself() -> None:
    assert criterion_name({"key": "result"}) == "Result"
    assert criterion_name({"key": "charm"}) == "charm"


def test_a_criterion_of_a_results_own_rubric_has_the_name_that_it_had_then() -> None:
    criteria = [{"key": "result", "name": "What the customer got"}]

    assert criterion_name(criteria[0]) == "What the customer got"
    assert name_of_key("result", criteria) == "What the customer got"
    assert name_of_key("action", criteria) == "Own action"


def test_the_names_of_the_rubrics_that_come_with_the_product_are_taken() -> None:
    assert {rubric.version.rpartition("-")[0] for rubric in RUBRICS.values()} == set(BUILT_IN_SLUGS)

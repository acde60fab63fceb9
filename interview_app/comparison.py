"""Two answers, or a practice and its retake, beside each other: what the scores did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from interview_app.models import Feedback
from interview_app.queries import AnswerDetail, QuestionDetail, SessionDetail, standing_of
from interview_app.rubric import criterion_name, is_built_in, mean_score

Named = TypeVar("Named")


@dataclass(frozen=True)
class Row:
    """One line of the table. None: it was not scored then."""

    name: str
    before: Decimal | None
    now: Decimal | None

    @property
    def change(self) -> Decimal | None:
        return None if self.before is None or self.now is None else self.now - self.before


@dataclass(frozen=True)
class SamePair:
    """One question that both practices asked, and the newest answer in each."""

    number: int
    text: str
    before: AnswerDetail
    now: AnswerDetail


@dataclass(frozen=True)
class PracticeComparison:
    overall: Row
    competencies: list[Row]
    criteria: list[Row]
    pairs: list[SamePair]
    is_fair: bool


def are_comparable(before: Feedback | None, now: Feedback | None) -> bool:
    """Scores stand side by side only where the same rubric gave both, and a judge or the simulation
    both."""
    return (
        before is not None
        and now is not None
        and before.simulated == now.simulated
        and before.rubric_version == now.rubric_version
    )


def criteria_rows(before: Feedback, now: Feedback) -> list[Row]:
    return _rows(_criteria_of([before]), _criteria_of([now]))


def compare_practices(before: SessionDetail, now: SessionDetail) -> PracticeComparison:
    then, today = standing_of(before.questions), standing_of(now.questions)
    old, new = _scored(before), _scored(now)
    return PracticeComparison(
        overall=Row("", then.overall, today.overall),
        competencies=_rows(dict(then.by_competency), dict(today.by_competency)),
        criteria=_rows(_criteria_of(_feedback(old)), _criteria_of(_feedback(new))),
        pairs=_pairs(before, now),
        is_fair=_have_one_measure([*old, *new]),
    )


def _have_one_measure(questions: list[QuestionDetail]) -> bool:
    """`are_comparable` for many, which may be of several types: one version for each."""
    used = {
        (each.question.type, each.feedback.rubric_version) for each in questions if each.feedback
    }
    types = {type_ for type_, _ in used}
    return len({each.is_simulated for each in questions}) <= 1 and len(used) == len(types)


def _scored(detail: SessionDetail) -> list[QuestionDetail]:
    return [each for each in detail.questions if each.is_scored]


def _feedback(questions: list[QuestionDetail]) -> list[Feedback]:
    return [each.feedback for each in questions if each.feedback]


@dataclass(frozen=True)
class _Measure:
    """A criterion. Rubrics that come with the product share theirs; one of an operator's own shares
    none, though a key or a name be the same."""

    rubric: str
    key: str
    name: str = field(compare=False)

    def __str__(self) -> str:
        return self.name


def _criteria_of(feedback: Iterable[Feedback]) -> dict[_Measure, Decimal | None]:
    """The mean of each criterion."""
    given: dict[_Measure, list[float | None]] = {}
    for each in feedback:
        rubric = "" if is_built_in(each.rubric_version) else each.rubric_version
        for criterion in each.criteria:
            measure = _Measure(rubric, criterion["key"], criterion_name(criterion))
            given.setdefault(measure, []).append(criterion["score"])
    return {measure: mean_score(scores) for measure, scores in given.items()}


def _rows(before: Mapping[Named, Decimal | None], now: Mapping[Named, Decimal | None]) -> list[Row]:
    """Those of now first, in their order."""
    both = [*now, *(each for each in before if each not in now)]
    return [Row(str(each), before.get(each), now.get(each)) for each in both]


def _pairs(before: SessionDetail, now: SessionDetail) -> list[SamePair]:
    asked = {_bare(each.question.text): each.newest for each in before.questions if each.newest}
    pairs = []
    for each in now.questions:
        earlier = asked.get(_bare(each.question.text))
        if earlier and each.newest:
            pairs.append(SamePair(each.question.number, each.question.text, earlier, each.newest))
    return pairs


def _bare(text: str) -> str:
    return " ".join(text.casefold().split())

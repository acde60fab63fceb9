"""Two answers, or a practice and its retake, beside each other: what the scores did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from interview_app.models import Feedback
from interview_app.queries import AnswerDetail, SessionDetail, standing_of
from interview_app.rubric import mean_score


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
    old, new = _newest_feedback(before), _newest_feedback(now)
    return PracticeComparison(
        overall=Row("", then.overall, today.overall),
        competencies=_rows(dict(then.by_competency), dict(today.by_competency)),
        criteria=_rows(_criteria_of(old), _criteria_of(new)),
        pairs=_pairs(before, now),
        is_fair=_have_one_measure([*old, *new]),
    )


def _have_one_measure(feedback: list[Feedback]) -> bool:
    """`are_comparable` for many, whose questions may be of several kinds: one version of each."""
    versions = {each.rubric_version for each in feedback}
    rubrics = {version.rpartition("-")[0] for version in versions}
    return len({each.simulated for each in feedback}) <= 1 and len(versions) == len(rubrics)


def _newest_feedback(detail: SessionDetail) -> list[Feedback]:
    return [each.feedback for each in detail.questions if each.feedback and each.is_scored]


def _criteria_of(feedback: Iterable[Feedback]) -> dict[str, Decimal | None]:
    """The mean of each criterion."""
    given: dict[str, list[float | None]] = {}
    for each in feedback:
        for criterion in each.criteria:
            given.setdefault(criterion["key"], []).append(criterion["score"])
    return {key: mean_score(scores) for key, scores in given.items()}


def _rows(before: Mapping[str, Decimal | None], now: Mapping[str, Decimal | None]) -> list[Row]:
    """Those of now first, in their order."""
    names = [*now, *(name for name in before if name not in now)]
    return [Row(name, before.get(name), now.get(name)) for name in names]


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

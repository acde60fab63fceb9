"""The rubrics: what an answer is measured against, and how criteria become one score.

Those in this module come with the product; for each type of question an operator may put one of
their own in its place (`own_rubrics`). A rubric is versioned and never edited once used: a changed
anchor is a new version, since scores under different anchors cannot be compared. Five points with
anchors at 1, 3 and 5 and equal weights follow the OPM guide to structured interviews (2008); the
model scores each criterion, the mean is taken here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from interview_app.models import InterviewType, RubricVersion
from interview_app.rubric_rules import BUILT_IN_SLUGS, PARTS

ONE_DECIMAL = Decimal("0.1")


@dataclass(frozen=True)
class Criterion:
    key: str
    low: str
    middle: str
    high: str
    name: str = ""
    """Of an operator's own, in the language of the practice; empty: `CRITERION_NAMES` has it."""
    looks_at: str = ""


@dataclass(frozen=True)
class Rubric:
    version: str
    criteria: tuple[Criterion, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(criterion.key for criterion in self.criteria)


RELEVANCE = Criterion(
    "relevance",
    "answers another question",
    "answers part of the question",
    "answers this question and shows the competency behind it",
)
SPECIFICITY = Criterion(
    "specificity",
    "generic; could be anybody's answer",
    "one concrete detail",
    "names, numbers or constraints that could be checked",
)
CLARITY = Criterion(
    "clarity",
    "hard to follow",
    "can be followed, but parts are out of balance",
    "ordered and balanced; one to three minutes when spoken",
)

BEHAVIOURAL = Rubric(
    "behavioural-1",
    (
        RELEVANCE,
        Criterion(
            "situation",
            "no context, or endless background",
            "context is clear, the own task only implied",
            "one or two sentences of context, the own task explicit",
        ),
        Criterion(
            "action",
            '"we" or slogans; nothing the candidate did',
            "some own steps, little reason why",
            "specific own steps and decisions, with reasons",
        ),
        Criterion(
            "result",
            "none",
            "an outcome is named, not measured",
            "a measured or observable outcome, and what was learnt",
        ),
        SPECIFICITY,
        CLARITY,
    ),
)
SITUATIONAL = Rubric(
    "situational-1",
    (
        RELEVANCE,
        Criterion(
            "situation",
            "takes no notice of the circumstances",
            "restates them",
            "says what is at stake and what has to be found out first",
        ),
        Criterion(
            "action",
            "slogans; no step that could be taken",
            "sensible steps, little order or reason",
            "specific own steps in order, with reasons",
        ),
        Criterion(
            "result",
            "no aim",
            "an aim is named",
            "says how to tell that it worked, and what to do if not",
        ),
        SPECIFICITY,
        CLARITY,
    ),
)
TECHNICAL = Rubric(
    "technical-1",
    (
        RELEVANCE,
        Criterion(
            "correctness",
            "wrong on the main point",
            "right in the main, with gaps or slips",
            "right, also in the details that matter",
        ),
        Criterion(
            "reasoning",
            "claims without reasons",
            "reasons for one way, no alternative weighed",
            "weighs alternatives and says what decides between them",
        ),
        Criterion(
            "depth",
            "surface only",
            "one limit or failure case",
            "limits, failure cases and how they are noticed or handled",
        ),
        SPECIFICITY,
        CLARITY,
    ),
)

RUBRICS = {
    InterviewType.BEHAVIORAL.value: BEHAVIOURAL,
    InterviewType.SITUATIONAL.value: SITUATIONAL,
    InterviewType.TECHNICAL.value: TECHNICAL,
}

CRITERION_NAMES: dict[str, str | Promise] = {
    "relevance": _("Relevance"),
    "situation": _("Situation and task"),
    "action": _("Own action"),
    "result": _("Result"),
    "correctness": _("Correctness"),
    "reasoning": _("Reasoning"),
    "depth": _("Depth"),
    "specificity": _("Evidence"),
    "clarity": _("Clarity"),
}


def rubric_for(question_type: str) -> Rubric:
    return RUBRICS.get(question_type, BEHAVIOURAL)


def rubric_in(language: str, stored: RubricVersion) -> Rubric:
    """An operator's own in this language, or in the one that it has."""
    return Rubric(
        stored.version,
        tuple(_criterion_in(language, **each) for each in stored.criteria),
    )


def _criterion_in(language: str, key: str, texts: Mapping[str, Mapping[str, str]]) -> Criterion:
    said = texts.get(language) or next(filter(None, texts.values()))
    return Criterion(key, **{part: said[part] for part in PARTS})


def is_built_in(version: str) -> bool:
    """Also of a version that an older release brought."""
    return version.rpartition("-")[0] in BUILT_IN_SLUGS


def criterion_name(criterion: Mapping[str, Any]) -> str:
    """Of one in a result: as the rubric called it that the result was made with. A key that nobody
    knows any more stands for itself."""
    key = criterion["key"]
    return str(criterion.get("name") or CRITERION_NAMES.get(key, key))


def name_of_key(key: str, criteria: Iterable[Mapping[str, Any]]) -> str:
    """Of the criterion with this key in a result."""
    found = (each for each in criteria if each["key"] == key)
    return criterion_name(next(found, {"key": key}))


def mean_score(scores: Iterable[Decimal | float | None]) -> Decimal | None:
    """The mean of those that are scored, to one decimal; None where none is."""
    scored = [Decimal(str(score)) for score in scores if score is not None]
    if not scored:
        return None
    return (sum(scored, Decimal(0)) / len(scored)).quantize(ONE_DECIMAL, rounding=ROUND_HALF_UP)

"""How a person's scores went, competency by competency."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import F, QuerySet

from interview_app.models import Answer, Mode
from interview_app.queries import sessions_of
from interview_app.rubric import mean_score

NEWEST_SESSIONS = 200
"""Those before are not looked at: the answer must not grow with every practice."""


@dataclass(frozen=True)
class Point:
    """The mean of a session's scored questions of one competency: of the simulated ones, or of the
    others. No mean is of both."""

    session: UUID
    at: datetime
    score: Decimal
    simulated: bool
    measures: frozenset[tuple[str, str]] = frozenset()
    """The types of its questions, each with the version of the rubric that judged."""


@dataclass(frozen=True)
class Progress:
    points: dict[str, list[Point]]
    """Of each competency, oldest session first."""
    days: frozenset[date]
    """On which something was answered, UTC."""


def progress_of(owner: AbstractUser) -> Progress:
    """Of the newest practices. One query."""
    answers = list(_answers(owner))
    days = frozenset(row["answered_at"].date() for row in answers)
    return Progress(_points(answers), days)


def have_one_measure(points: Iterable[Point]) -> bool:
    """Whether answers to each type of question were judged by one version of one rubric."""
    used = frozenset[tuple[str, str]]().union(*(point.measures for point in points))
    return len({type_ for type_, _ in used}) == len(used)


def streak(days: Collection[date], today: date) -> int:
    """How many days in a row, up to today; today still has time, so yesterday will do."""
    last = today if today in days else today - timedelta(days=1)
    return next(n for n in itertools.count() if last - timedelta(days=n) not in days)


def _points(answers: Iterable[dict[str, Any]]) -> dict[str, list[Point]]:
    scored: defaultdict[tuple[str, UUID, bool], list[dict[str, Any]]] = defaultdict(list)
    # In the order of the sessions: a later answer to a question replaces an earlier one.
    for row in {row["question_id"]: row for row in answers}.values():
        if row["score"] is not None:
            scored[row["competency"], row["session"], row["simulated"]].append(row)
    points: defaultdict[str, list[Point]] = defaultdict(list)
    for (competency, session, simulated), rows in scored.items():
        score = mean_score(row["score"] for row in rows)
        assert score is not None
        measures = frozenset((row["type"], row["rubric"]) for row in rows)
        points[competency].append(Point(session, rows[0]["at"], score, simulated, measures))
    return dict(points)


def _answers(owner: AbstractUser) -> QuerySet[Answer, Any]:
    newest = sessions_of(owner).values("pk")[:NEWEST_SESSIONS]
    return (
        Answer.objects.filter(question__session__in=newest)
        # Like the real thing, scores are held back until the end.
        .exclude(question__session__mode=Mode.REAL, question__session__finish_requested_at=None)
        .order_by("question__session__created_at", "question__session_id", "number")
        .values(
            "question_id",
            session=F("question__session_id"),
            at=F("question__session__created_at"),
            answered_at=F("created_at"),
            competency=F("question__competency"),
            type=F("question__type"),
            rubric=F("feedback__rubric_version"),
            score=F("feedback__score"),
            simulated=F("feedback__simulated"),
        )
    )

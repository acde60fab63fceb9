"""Scores over time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from interview_app import progress
from interview_app.models import InterviewSession
from interview_app.tests.factories import (
    AnswerFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
)
from operations.tests.api_client import api_client

pytestmark = pytest.mark.django_db


def practice(owner: User, days_ago: int, *scored: tuple[str, str]) -> InterviewSession:
    session: InterviewSession = InterviewSessionFactory(owner=owner)
    session.created_at = timezone.now() - timedelta(days=days_ago)
    session.save()
    for competency, score in scored:
        question = QuestionFactory(session=session, competency=competency)
        FeedbackFactory(answer__question=question, score=score)
    return session


def points(user: User) -> dict[str, Any]:
    body = api_client(user).get("/api/v1/progress/").json()
    return {each["competency"]: each["points"] for each in body["competencies"]}


def test_each_competency_has_a_point_for_each_practice_oldest_first(alice: User) -> None:
    newer = practice(alice, 1, ("SQL", "4.0"))
    older = practice(alice, 9, ("SQL", "2.0"), ("SQL", "3.0"), ("Writing", "5.0"))

    found = points(alice)

    assert [(each["session"], each["score"]) for each in found["SQL"]] == [
        (str(older.pk), 2.5),
        (str(newer.pk), 4.0),
    ]
    assert found["Writing"] == [
        {
            "session": str(older.pk),
            "at": older.created_at.isoformat().replace("+00:00", "Z"),
            "score": 5.0,
            "simulated": False,
        }
    ]


def test_the_newest_answer_counts(alice: User) -> None:
    session = practice(alice, 1, ("SQL", "1.0"))
    FeedbackFactory(
        answer=AnswerFactory(question=session.questions.get()),
        score="4.0",
        made_by_simulation=True,
    )

    assert [(each["score"], each["simulated"]) for each in points(alice)["SQL"]] == [(4.0, True)]


def test_no_mean_is_of_simulated_and_real_scores(alice: User) -> None:
    session = practice(alice, 1, ("SQL", "2.0"), ("SQL", "3.0"))
    simulated = QuestionFactory(session=session, competency="SQL")
    FeedbackFactory(answer__question=simulated, score="5.0", made_by_simulation=True)

    told = sorted((each["score"], each["simulated"]) for each in points(alice)["SQL"])

    assert told == [(2.5, False), (5.0, True)]


def test_what_has_no_score_is_no_point(alice: User) -> None:
    session = practice(alice, 1, ("SQL", "1.0"))
    FeedbackFactory(answer=AnswerFactory(question=session.questions.get()), not_scored=True)
    AnswerFactory(question=QuestionFactory(session=session))

    assert points(alice) == {}


def test_other_peoples_scores_do_not_count(alice: User, bob: User) -> None:
    practice(alice, 1, ("SQL", "1.0"))

    assert points(bob) == {}


def test_the_newest_practices_are_looked_at_in_one_query(
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(progress, "NEWEST_SESSIONS", 2)
    for days_ago in (1, 2, 3):
        practice(alice, days_ago, ("SQL", f"{days_ago}.0"))

    with django_assert_num_queries(1):
        found = progress.progress_of(alice)

    assert [point.score for point in found.points["SQL"]] == [2, 1]


@pytest.mark.parametrize(
    ("days", "length"),
    [((), 0), ((9,), 1), ((8,), 1), ((7,), 0), ((9, 8, 7), 3), ((8, 7, 5), 2), ((9, 7), 1)],
)
def test_a_streak_ends_today_or_yesterday(days: tuple[int, ...], length: int) -> None:
    answered = {date(2026, 11, day) for day in days}

    assert progress.streak(answered, date(2026, 11, 9)) == length

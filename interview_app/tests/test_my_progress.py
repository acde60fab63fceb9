"""The page that shows how the scores went."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from interview_app.charts import HEIGHT, MARGIN, WIDTH, line_of
from interview_app.models import Answer
from interview_app.tests.factories import (
    AnswerFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
)
from interview_app.views.progress import NEWEST_POINTS, TRENDS_PER_PAGE

PAGE = "my_progress"


def scored(owner: User, competency: str, score: str, *, simulated: bool = False) -> None:
    session = InterviewSessionFactory(owner=owner)
    question = QuestionFactory(session=session, competency=competency)
    FeedbackFactory(answer=AnswerFactory(question=question), score=score, simulated=simulated)


@pytest.fixture
def page(client: Client, alice: User) -> Callable[[], Any]:
    client.force_login(alice)
    return lambda: client.get(reverse(PAGE))


@pytest.mark.django_db
def test_what_rose_and_what_fell(alice: User, page: Callable[[], Any]) -> None:
    for score in ("2.0", "3.5"):
        scored(alice, "Coaching", score)
    for score in ("4.0", "3.2"):
        scored(alice, "Reliability", score)

    response = page()

    trends = {each.competency: each for each in response.context["judged"]}
    assert trends["Coaching"].change == Decimal("1.5")
    assert trends["Reliability"].change == Decimal("-0.8")
    assert response.context["weakest"].competency == "Reliability"
    assert b"up 1.5 since the first" in response.content
    assert b"down 0.8 since the first" in response.content


@pytest.mark.django_db
def test_days_in_a_row_are_told_from_the_second_on(alice: User, page: Callable[[], Any]) -> None:
    scored(alice, "Coaching", "2.0")
    assert b"in a row" not in page().content

    scored(alice, "Coaching", "2.0")
    one = Answer.objects.all()[0]
    one.created_at -= timedelta(days=1)
    one.save()

    assert b"2 days in a row with an answer." in page().content


@pytest.mark.django_db
def test_a_trend_never_mixes_simulated_and_judged(alice: User, page: Callable[[], Any]) -> None:
    scored(alice, "Coaching", "5.0", simulated=True)
    scored(alice, "Coaching", "2.0")
    scored(alice, "Coaching", "3.0", simulated=True)

    context = page().context

    (judged,), (simulated,) = context["judged"], context["simulated"]
    assert [point.score for point in judged.points] == [Decimal("2.0")]
    assert [point.score for point in simulated.points] == [Decimal("5.0"), Decimal("3.0")]


@pytest.mark.django_db
def test_of_nobody_else_and_of_nothing(alice: User, bob: User, page: Callable[[], Any]) -> None:
    scored(bob, "Coaching", "2.0")

    response = page()

    assert response.status_code == 200
    assert b"Coaching" not in response.content
    assert b"Nothing is scored yet" in response.content


@pytest.mark.django_db
def test_as_many_queries_for_many_practices(
    alice: User, page: Callable[[], Any], django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for _ in range(5):
        scored(alice, "Coaching", "2.0")

    with django_assert_max_num_queries(4):
        page()


def test_line_goes_from_edge_to_edge_and_higher_is_above() -> None:
    (first, low), (_, high), (last, _) = line_of([Decimal(1), Decimal(5), Decimal(3)]).dots

    assert (first, last) == (MARGIN, WIDTH - MARGIN)
    assert (low, high) == (HEIGHT - MARGIN, MARGIN)
    assert line_of([Decimal(3)]).dots == [(MARGIN, HEIGHT / 2)]


@pytest.mark.django_db
def test_a_long_line_shows_its_newest_end(alice: User, page: Callable[[], Any]) -> None:
    for number in range(NEWEST_POINTS + 1):
        scored(alice, "Coaching", "5.0" if number == 0 else "2.0")

    (trend,) = page().context["judged"]

    assert len(trend.points) == NEWEST_POINTS
    assert trend.change == 0


@pytest.mark.django_db
def test_many_competencies_have_pages(alice: User, client: Client, page: Callable[[], Any]) -> None:
    scored(alice, "Lowest of all", "1.0")
    for number in range(TRENDS_PER_PAGE):
        scored(alice, f"Competency {number}", "2.0")
    scored(alice, "Simulated", "5.0", simulated=True)

    first, second = page(), client.get(f"{reverse(PAGE)}?page=2")

    assert len(first.context["judged"]) == TRENDS_PER_PAGE
    assert first.context["simulated"] == []
    assert [each.competency for each in second.context["judged"]] == ["Lowest of all"]
    assert [each.competency for each in second.context["simulated"]] == ["Simulated"]
    assert first.context["weakest"].competency == "Lowest of all"

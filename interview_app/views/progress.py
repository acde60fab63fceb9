"""How the scores went: a line for each competency, judged and simulated apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from interview_app.charts import GRID, HEIGHT, WIDTH, Line, line_of
from interview_app.progress import Point, have_one_measure, progress_of, streak
from interview_app.views.live import own_page
from interview_app.views.ownership import signed_in_user

TRENDS_PER_PAGE = 10
NEWEST_POINTS = 20
"""Of each trend: more dots would touch, and more rows make the page heavy."""


@dataclass(frozen=True)
class Trend:
    """The newest points of one competency that are all simulated, or none of them."""

    competency: str
    points: list[Point]

    @cached_property
    def comparable(self) -> list[Point]:
        """The newest ones that were judged by the same rubrics: a line through others as well would
        show what the rubrics did."""
        starts = range(len(self.points) - 1)
        start = next((n for n in starts if have_one_measure(self.points[n:])), -1)
        return self.points[start:]

    @property
    def line(self) -> Line:
        return line_of([point.score for point in self.comparable])

    @property
    def newest(self) -> Point:
        return self.points[-1]

    @property
    def has_one_measure(self) -> bool:
        return len(self.comparable) == len(self.points)

    @property
    def change(self) -> Decimal | None:
        """From the first of those comparable to the newest; None where there is no other."""
        first = self.comparable[0]
        return self.newest.score - first.score if first is not self.newest else None


@own_page
def my_progress(request: HttpRequest) -> HttpResponse:
    progress = progress_of(signed_in_user(request))
    trends = list(_trends(progress.points))
    trends.sort(key=lambda each: each.newest.simulated)
    judged = [each for each in trends if not each.newest.simulated]
    page = Paginator(trends, TRENDS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "judged": [each for each in page if not each.newest.simulated],
        "simulated": [each for each in page if each.newest.simulated],
        # To practise next: what stands lowest now. Simulated scores only count words.
        "weakest": min(judged, key=lambda each: each.newest.score, default=None),
        "streak": streak(progress.days, timezone.now().date()),
        "width": WIDTH,
        "height": HEIGHT,
        "grid": GRID,
    }
    return render(request, "interview_app/my_progress.html", context)


def _trends(points_of: dict[str, list[Point]]) -> Iterator[Trend]:
    """Those that were practised last first."""
    newest_first = sorted(points_of.items(), key=lambda each: each[1][-1].at, reverse=True)
    for competency, points in newest_first:
        for simulated in (False, True):
            if of_one_sort := [point for point in points if point.simulated is simulated]:
                yield Trend(competency, of_one_sort[-NEWEST_POINTS:])

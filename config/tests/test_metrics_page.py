"""`/metrics`: who may read it, and that it says what happened."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain
from pytest_django import DjangoAssertNumQueries, Settings

from operations import metrics
from operations.tests import endings
from operations.tests.factories import OperationFactory, ProviderPauseFactory, UserFactory

pytestmark = pytest.mark.django_db

TOKEN = "a-token-for-the-scraper-alone"
KIND = "question_generation"
ELSEWHERE = "203.0.113.7"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(client: Client, **headers: Any) -> Figures:
    response = client.get("/metrics", **headers)
    assert response.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in plain(response.content.decode())
        for sample in family.samples
    }


def figure(figures: Figures, name: str, **labels: str) -> float | None:
    return figures.get((name, frozenset(labels.items())))


def test_each_way_to_end_is_counted_folded_or_not(client: Client) -> None:
    endings.fail(OperationFactory(running=True))
    metrics.fold()
    endings.fail(OperationFactory(running=True))

    figures = scrape(client)

    ended = {"kind": KIND, "status": "failed", "category": "server_error"}
    assert figure(figures, "operations_total", **ended) == 2
    assert figure(figures, "operation_duration_seconds_count", kind=KIND) == 2
    assert figure(figures, "operation_duration_seconds_bucket", kind=KIND, le="+Inf") == 2
    assert figure(figures, "possibly_paid_twice_total") == 0


def test_histogram_says_how_many_took_at_most_so_long(client: Client) -> None:
    for seconds in (0.05, 0.3, 0.3, 7.0, 1000.0):
        metrics.count([metrics._observation(metrics.REQUEST_DURATION, seconds, kind=KIND)])
        metrics.fold()

    figures = scrape(client)

    name = "provider_request_duration_seconds"
    at_most = {
        bound: figure(figures, f"{name}_bucket", kind=KIND, le=bound)
        for bound in ("0.1", "0.25", "0.5", "5.0", "10.0", "300.0", "+Inf")
    }
    assert list(at_most.values()) == [1, 1, 3, 3, 4, 4, 5]
    assert figure(figures, f"{name}_sum", kind=KIND) == pytest.approx(1007.65)


def test_how_things_stand(client: Client) -> None:
    OperationFactory()
    OperationFactory()
    OperationFactory(running=True)
    ProviderPauseFactory(error_code="QUOTA_EXCEEDED")
    ProviderPauseFactory(credential="theirs#1", own_key_owner=UserFactory())

    figures = scrape(client)

    assert figure(figures, "operations_pending") == 2
    assert figure(figures, "operations_workers") == 0
    assert figure(figures, "provider_paused", reason="QUOTA_EXCEEDED") == 1
    assert sum(value for (name, _), value in figures.items() if name == "provider_paused") == 1


def test_open_metrics_is_spoken_where_it_is_asked_for(client: Client) -> None:
    endings.fail(OperationFactory(running=True))

    response = client.get("/metrics", headers={"Accept": OPEN_METRICS})

    assert response["Content-Type"].startswith("application/openmetrics-text")
    names = {family.name for family in open_metrics(response.content.decode())}
    assert {"operations", "operation_attempts", "operation_duration_seconds"} <= names
    assert response["Cache-Control"].startswith("max-age=0, no-cache, no-store")


def test_each_metric_of_the_operators_guide_is_there_and_no_other(client: Client) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()
    section = guide.partition("\n## Metrics\n")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `([a-z_]+)", section, flags=re.MULTILINE))

    response = client.get("/metrics")

    told = set(re.findall(r"^# TYPE (\S+) ", response.content.decode(), flags=re.MULTILINE))
    assert documented == told


@pytest.mark.parametrize("failures", [1, 30])
def test_scrape_costs_the_same_whatever_there_is(
    failures: int, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(failures):
        endings.fail(OperationFactory(running=True))

    # PostgreSQL is asked for the time.
    with django_assert_num_queries(8 if connection.vendor == "sqlite" else 9):
        scrape(client)


class TestWhoMayRead:
    @pytest.fixture(autouse=True)
    def _token(self, settings: Settings) -> None:
        settings.METRICS_TOKEN = TOKEN

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
    def test_this_machine(self, address: str, client: Client) -> None:
        assert client.get("/metrics", REMOTE_ADDR=address).status_code == 200

    def test_anybody_with_the_token_under_any_host(self, client: Client) -> None:
        response = client.get(
            "/metrics",
            REMOTE_ADDR=ELSEWHERE,
            headers={"Authorization": f"Bearer {TOKEN}", "Host": "10.0.0.5:8000"},
        )
        assert response.status_code == 200

    @pytest.mark.parametrize(
        "asked",
        [
            {"REMOTE_ADDR": ELSEWHERE},
            {"REMOTE_ADDR": ELSEWHERE, "HTTP_AUTHORIZATION": "Bearer another-token-of-enough"},
            {"REMOTE_ADDR": ELSEWHERE, "HTTP_AUTHORIZATION": f"Token {TOKEN}"},
            {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": ELSEWHERE},
            {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": f"for={ELSEWHERE}"},
            {"REMOTE_ADDR": "unix"},
        ],
        ids=["nobody", "wrong token", "wrong scheme", "through a proxy", "forwarded", "no address"],
    )
    def test_nobody_else(self, asked: dict[str, str], client: Client) -> None:
        response = client.get("/metrics", **asked)  # type: ignore[arg-type]

        assert response.status_code == 401
        assert response["WWW-Authenticate"].startswith("Bearer")
        assert b"operations_total" not in response.content

    def test_an_empty_token_lets_nobody_in(self, client: Client, settings: Settings) -> None:
        settings.METRICS_TOKEN = ""

        response = client.get(
            "/metrics", REMOTE_ADDR=ELSEWHERE, headers={"Authorization": "Bearer "}
        )

        assert response.status_code == 401

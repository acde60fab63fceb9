"""What calls are expected to cost: measured where there is something to measure, never invented."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from pytest_django import Settings

from operations import kinds
from operations.estimates import estimate_of
from operations.models import CallEstimate
from operations.tests.factories import OperationFactory
from operations.tests.judgement.kind import JudgementKind
from operations.workers.estimating import estimate_calls

pytestmark = pytest.mark.django_db

KNOWN = "gpt-6-luna"


class Asked(JudgementKind):
    name = "asked"

    def typical_tokens(self) -> tuple[int, int]:
        return 1_000, 500


@pytest.fixture(autouse=True)
def asked() -> Iterator[None]:
    kinds.register(Asked())
    yield
    kinds.unregister("asked")


@pytest.fixture(autouse=True)
def openai(settings: Settings) -> None:
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "sk-proj-a-key-for-tests-only", ""
    settings.OPENAI_MODEL = KNOWN


def done(count: int, *, model: str = KNOWN, sent: int = 2_000, written: int = 100) -> None:
    OperationFactory.create_batch(
        count,
        completed=True,
        kind="asked",
        attempts=1,
        model=model,
        input_tokens=sent,
        output_tokens=written,
    )


def test_nothing_is_said_before_a_supervisor_has_worked_it_out() -> None:
    assert estimate_of({"asked": 1}) is None


def test_without_calls_it_is_by_the_prompts_size_and_says_so() -> None:
    estimate_calls()

    estimate = estimate_of({"asked": 4})
    assert estimate is not None
    assert (estimate.calls, estimate.input_tokens, estimate.output_tokens) == (4, 4_000, 2_000)
    assert estimate.cost_usd is not None
    assert estimate.cost_usd > 0
    assert not estimate.measured


def test_calls_of_this_installation_count_more_than_guesses() -> None:
    done(3, model=f"{KNOWN}-2026-03-05")
    done(9, model="another-model", sent=9, written=9)
    guessed = CallEstimate.objects.count()
    estimate_calls()
    estimate_calls()

    row = CallEstimate.objects.get(kind="asked")
    assert (guessed, row.measured, row.input_tokens, row.output_tokens) == (0, 3, 2_000, 100)


def test_two_calls_are_no_measure() -> None:
    done(2)
    estimate_calls()

    assert CallEstimate.objects.get(kind="asked").input_tokens == 1_000


def test_unknown_price_is_unknown_and_never_nothing(settings: Settings) -> None:
    settings.OPENAI_MODEL = "llama-homemade"
    estimate_calls()

    estimate = estimate_of({"asked": 2})
    assert estimate is not None
    assert estimate.cost_usd is None
    assert estimate.tokens == 3_000


def test_simulated_provider_is_free(settings: Settings) -> None:
    settings.OPENAI_API_KEY, settings.SIMULATED_PROVIDER = "", True
    estimate_calls()

    estimate = estimate_of({"asked": 2})
    assert estimate is not None
    assert (estimate.simulated, estimate.cost_usd) == (True, Decimal(0))


def test_kind_that_nobody_asks_for_has_no_row() -> None:
    estimate_calls()

    names = set(CallEstimate.objects.values_list("kind", flat=True))
    assert "asked" in names
    assert not names & {"provider_probe", "key_check"}

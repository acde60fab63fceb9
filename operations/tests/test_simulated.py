"""The built-in provider runs the same code as a real one and is labelled in every reply."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from operations import kinds, openai_service
from operations.credentials import installation_credential
from operations.errors import Category, OpenAIServiceError
from operations.errors.simulated_faults import parse_faults
from operations.kinds import ProviderReply, ProviderRequest
from operations.openai_service.simulated import chosen_fault

REQUEST = ProviderRequest(
    kind="echo",
    messages=({"role": "user", "content": "Say this again."},),
    schema={"type": "object"},
    prompt_version="echo/1",
)


class EchoKind:
    name = "echo"
    label = "echo"
    failure_lead = "We could not echo this"

    def simulate(self, request_body: Mapping[str, Any]) -> object:
        return {"said": request_body["messages"][-1]["content"]}


@pytest.fixture(autouse=True)
def echo(settings: Any) -> Iterator[Any]:
    settings.OPENAI_API_KEY = settings.OPENAI_BASE_URL = ""
    settings.SIMULATED_PROVIDER = True
    settings.SIMULATED_LATENCY_SECONDS = 0
    settings.SIMULATED_FAULTS = ""
    kinds.register(EchoKind())  # type: ignore[arg-type]
    yield settings
    kinds.unregister("echo")


def ask(timeout: float = 2.0) -> ProviderReply:
    async def one() -> ProviderReply:
        try:
            return await openai_service.ask(
                REQUEST, credential=installation_credential(), timeout_seconds=timeout
            )
        finally:
            await openai_service.close()

    return asyncio.run(one())


def test_reply_is_the_kinds_own_and_labelled() -> None:
    reply = ask()

    assert reply.content == {"said": "Say this again."}
    assert reply.simulated
    assert reply.model == "simulated"
    assert reply.usage.cost_usd == Decimal(0)


@pytest.mark.parametrize("category", Category)
def test_each_category_can_be_simulated(echo: Any, category: Category) -> None:
    echo.SIMULATED_FAULTS = f"{category}:1"

    with pytest.raises(OpenAIServiceError) as caught:
        ask()

    assert caught.value.category is category


def test_latency_counts_against_the_deadline(echo: Any) -> None:
    echo.SIMULATED_LATENCY_SECONDS = 5

    with pytest.raises(OpenAIServiceError) as caught:
        ask(timeout=0.05)

    assert caught.value.error_code == "TIMEOUT"


def test_faults_come_at_their_rate_and_the_same_each_time(echo: Any) -> None:
    echo.SIMULATED_FAULTS = "network:0.2,rate_limit:0.1"

    first, second = ([chosen_fault(b"body", call) for call in range(2000)] for _ in range(2))

    counts = Counter(first)
    assert first == second
    assert 300 < counts[Category.NETWORK] < 500
    assert 130 < counts[Category.RATE_LIMIT] < 270


def test_second_try_may_end_otherwise(echo: Any) -> None:
    echo.SIMULATED_FAULTS = "network:0.5"

    assert len({chosen_fault(b"body", call) for call in range(20)}) == 2


def test_blanks_in_the_fault_list_do_not_matter() -> None:
    assert parse_faults(" network : 0.1 , ,rate_limit:0.05") == {
        Category.NETWORK: 0.1,
        Category.RATE_LIMIT: 0.05,
    }

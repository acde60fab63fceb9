"""SmolLM2-135M on llama-cpp-python: a whole practice with a real model and its real answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from operations.capabilities import Rung
from operations.models import Operation
from servers.practice import PAIRS, practise, quotes_that_are_not_in_their_answer, table, texts_of
from servers.running import ROOT, free_port, program, running

pytestmark = [
    pytest.mark.server("model"),
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(3000),
]

HONEST = {
    "completed",
    "INVALID_RESPONSE",
    "EMPTY_RESPONSE",
    "TRUNCATED_RESPONSE",
    "SCHEMA_MISMATCH",
}
REFUSED = {"INVALID_SCHEMA"}
"""What this server says to `json_schema`, whole or simple: a rung that was chosen is not left."""
TAKEN = {"auto", Rung.JSON_OBJECT_SCHEMA, Rung.JSON_OBJECT, Rung.PROMPT}
ANSWER_TOKENS = 400
"""Without a limit so small a model may write until the time is up."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = f"http://127.0.0.1:{(port := free_port())}"
    with running(
        [program("model", "python"), str(ROOT / "servers" / "model.py")],
        ready=f"{root}/v1/models",
        log=Path(tmp_path_factory.mktemp("model")) / "log",
        environment={"PORT": str(port)},
    ):
        yield f"{root}/v1"


@pytest.mark.parametrize("rung", ["auto", *Rung], ids=str)
@pytest.mark.parametrize("pair", range(1, len(PAIRS) + 1))
def test_practice_with_a_real_model_ends_well_or_says_why(
    model: str, settings: Settings, pair: int, rung: str
) -> None:
    settings.OPENAI_BASE_URL = model
    settings.OPENAI_API_KEY = ""
    settings.OPENAI_STRUCTURED_OUTPUT = str(rung)
    settings.OPENAI_MAX_OUTPUT_TOKENS = ANSWER_TOKENS
    settings.OPENAI_TIMEOUT_SECONDS = 240.0
    settings.OPERATIONS_DEADLINE_SECONDS = 900.0

    ends = list(practise(*texts_of(pair)))

    print("\n".join(table({(rung, pair): ends})))  # pytest -rP shows it
    outcomes = {outcome for end in ends for outcome in end.outcome.split(", then ")}
    assert outcomes <= (HONEST if rung in TAKEN else REFUSED)
    assert len(ends) == 5
    assert not Operation.objects.filter(status__in=("pending", "running")).exists()
    assert quotes_that_are_not_in_their_answer() == []

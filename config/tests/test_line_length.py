"""No line is longer than a log collector takes, and one that was shortened says so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.processors import JSONRenderer

from config.line_length import ALWAYS_KEPT, LEFT_OUT, MAX_LINE, bounded

IDS: dict[str, Any] = {
    "timestamp": "2026-01-02T03:04:05.678901Z",
    "level": "error",
    "logger": "operations",
    "event": "operation.failed",
    "operation_id": "3f0e6a3c-8f4b-4c1e-9d52-0c2c7f3b9f10",
    "request_id": "b7a1",
    "user_id": 7,
    "duration_ms": 12,
}
FRAME = {"filename": "/srv/app/operations/engine/running.py", "lineno": 190, "name": "_parse"}


def line(event: dict[str, Any]) -> str:
    return str(bounded(JSONRenderer(ensure_ascii=False))(None, "info", event))


def read(event: dict[str, Any]) -> dict[str, Any]:
    """The line of these fields and the usual ones, which has to be short and JSON."""
    rendered = line({**event, **IDS})
    assert len(rendered) <= MAX_LINE
    read_back: dict[str, Any] = json.loads(rendered)
    return read_back


def test_a_line_that_fits_is_left_alone() -> None:
    event = {**IDS, "path": "/" + "word " * 3_000}

    assert json.loads(line(event)) == event


@pytest.mark.parametrize(
    "value",
    [
        "word " * 20_000,
        "\x00" * 5_000,
        ["word"] * 20_000,
        [["word " * 300] * 5] * 20,
        {f"name{n}": "word" for n in range(20_000)},
        {"name": {"name": "word " * 20_000}},
        [1.5] * 20_000,
    ],
    ids=["text", "escapes", "list", "nested lists", "dict", "nested dicts", "numbers"],
)
def test_one_long_value_is_shortened_and_named_and_the_rest_is_kept(value: Any) -> None:
    kept = read({"before": "short", "what": value})

    assert IDS.items() <= kept.items()
    assert kept["before"] == "short"
    assert kept["shortened"] == ["what"]
    assert len(line({**IDS, "what": value})) > MAX_LINE / 2, "as much as fits is kept"


def test_many_values_are_left_out_and_counted() -> None:
    kept = read({f"field{n}": "word " * 100 for n in range(100)})

    assert IDS.items() <= kept.items()
    assert "field0" in kept
    assert "field99" not in kept
    assert kept["shortened"][-1].endswith(" more")


def test_no_field_of_the_contract_takes_the_room_of_another() -> None:
    rendered = line({"what": "word " * 20_000, **dict.fromkeys(ALWAYS_KEPT, "\x00" * 2_000)})

    kept = json.loads(rendered)
    assert len(rendered) <= MAX_LINE
    assert set(kept) == {*ALWAYS_KEPT, "what", "shortened"}
    assert all(LEFT_OUT in kept[name] for name in ALWAYS_KEPT)


def test_a_long_chain_of_exceptions_keeps_its_first_one() -> None:
    trace = [{"exc_type": f"Error{n}", "frames": [FRAME] * 50} for n in range(20)]

    kept = read({"exception": trace})["exception"]

    assert kept[0] == trace[0]
    assert kept[-1] == LEFT_OUT


def test_a_long_name_is_left_out() -> None:
    kept = read({"\x00" * 5_000: 1, "other": 2})

    assert kept["other"] == 2
    assert kept["shortened"] == [LEFT_OUT]


leaves = st.one_of(
    st.none(), st.integers(), st.text(max_size=20), st.sampled_from(["\x01é" * 50, "\x01é" * 4_000])
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=6,
)


@given(st.dictionaries(st.text(), values, max_size=8))
def test_any_event_becomes_one_short_line_of_json(event: dict[str, Any]) -> None:
    kept = read(event)

    assert IDS.items() <= kept.items()

"""How many examples a property test tries: few in the gate, many on demand."""

from __future__ import annotations

import os

from hypothesis import settings

TIMES = 50 if os.environ.get("PROPERTY_TESTS") == "long" else 1


def examples(in_the_gate: int) -> int:
    return in_the_gate * TIMES


# Of the tests that name no number.
settings.register_profile("the suite", max_examples=examples(100))
settings.load_profile("the suite")

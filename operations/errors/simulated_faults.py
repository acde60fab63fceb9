"""Faults that the simulated provider is asked for: by a model's name, for one operation, or by
SIMULATED_FAULTS, "network:0.1,rate_limit:0.05", for a share of all calls."""

from __future__ import annotations

import math

from operations.errors import Category

FAULT_MODEL = "simulated-fault-"


def fault_model(category: Category) -> str:
    """The simulated provider's model that always answers with this fault: of one operation, for
    whoever wants to see what happens then. A retry asks the usual model again."""
    return f"{FAULT_MODEL}{category}"


def parse_faults(text: str) -> dict[Category, float]:
    """Raises ValueError, with a sentence, where the text is wrong."""
    rates: dict[Category, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = part.partition(":")
        category = _category(name.strip())
        if category in rates:
            raise ValueError(f"{category} occurs twice")
        rates[category] = _rate(number.strip(), category)
    if sum(rates.values()) > 1:
        raise ValueError("the shares add up to more than 1")
    return rates


def _category(name: str) -> Category:
    try:
        return Category(name)
    except ValueError:
        known = ", ".join(Category)
        raise ValueError(f"an entry names no category; there are {known}") from None


def _rate(number: str, category: Category) -> float:
    try:
        rate = float(number)
    except ValueError:
        rate = math.nan
    if not 0 <= rate <= 1:
        raise ValueError(f"the share of {category} is no number from 0 to 1")
    return rate

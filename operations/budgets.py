"""Whether more may be spent this month: of the installation's money, and by one person.

Looked at when paid work is asked for, never while it runs: what waits or runs when a budget is
reached is still sent. So a budget is passed by at most what the unfinished operations of that
moment cost, and those of the seconds that a look is kept for.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings

from operations import spending
from operations.database.clock import database_now
from operations.models import Spending
from operations.refusals import BudgetReached, UserBudgetReached
from operations.spending import Spent

KEPT_SECONDS = 5.0
KEPT_AT_MOST = 1000
"""People: then all are forgotten and asked for anew."""

REACHED = {refusal.code: refusal for refusal in (BudgetReached, UserBudgetReached)}

_looks: dict[int, tuple[float, str]] = {}
"""By person: until when (monotonic) which code holds, "" for none."""


@dataclass(frozen=True)
class Month:
    """How a calendar month stands."""

    name: str
    """2026-11, UTC."""
    spent: Spent
    budget_usd: Decimal | None
    """None: none is set."""

    def as_data(self) -> dict[str, Any]:
        """As programs read it."""
        return {
            "month": self.name,
            "cost_usd": float(self.spent.usd),
            "budget_usd": None if self.budget_usd is None else float(self.budget_usd),
            "tokens": self.spent.tokens,
            "unpriced_tokens": self.spent.unpriced_tokens,
        }

    @property
    def is_reached(self) -> bool:
        return self.budget_usd is not None and self.spent.usd >= self.budget_usd


def reached(owner_id: int | None, *, own_key: bool) -> str:
    """The code of the budget that stops this person now, or "". Whoever pays with a key of their
    own is stopped by none. No statement where no budget is set, else one every few seconds."""
    if own_key or not (settings.BUDGET_USD_PER_MONTH or settings.BUDGET_USD_PER_USER_MONTH):
        return ""
    person = owner_id or Spending.ALL
    until, code = _looks.get(person, (0.0, ""))
    if time.monotonic() < until:
        return code
    if len(_looks) >= KEPT_AT_MOST:
        _looks.clear()
    code = _look(person)
    _looks[person] = (time.monotonic() + KEPT_SECONDS, code)
    return code


def refuse_if_reached(owner_id: int | None, *, own_key: bool) -> None:
    """Raises `BudgetReached`, `UserBudgetReached`."""
    if code := reached(owner_id, own_key=own_key):
        raise REACHED[code]


def _look(person: int) -> str:
    month = spending.month_of(database_now())
    found = spending.spent_in(month, {Spending.ALL, person})
    if _of_all(month, found).is_reached:
        return BudgetReached.code
    if person != Spending.ALL and _of_one(month, found, person).is_reached:
        return UserBudgetReached.code
    return ""


def _of_all(month: str, found: Mapping[int, Spent]) -> Month:
    return Month(month, found.get(Spending.ALL, Spent()), _budget(settings.BUDGET_USD_PER_MONTH))


def _of_one(month: str, found: Mapping[int, Spent], person: int) -> Month:
    budget = _budget(settings.BUDGET_USD_PER_USER_MONTH)
    return Month(month, found.get(person, Spent()), budget)


def _budget(usd: float) -> Decimal | None:
    return Decimal(str(usd)) if usd else None


def month_of_person(person_id: int) -> Month:
    """What this person's calls of the present month cost. One statement, and the clock's."""
    month = spending.month_of(database_now())
    return _of_one(month, spending.spent_in(month, {person_id}), person_id)


@dataclass(frozen=True)
class Overview:
    """Of the present month."""

    all: Month
    user_budget_usd: Decimal | None
    stopped: tuple[int, ...]
    """Who has reached their own budget, the dearest first."""


def overview() -> Overview:
    """For operators. One statement, and the clock's."""
    month = spending.month_of(database_now())
    found = spending.spent_in(month)
    people = [person for person in found if person != Spending.ALL]
    stopped = [person for person in people if _of_one(month, found, person).is_reached]
    return Overview(
        _of_all(month, found),
        _budget(settings.BUDGET_USD_PER_USER_MONTH),
        tuple(sorted(stopped, key=lambda person: -found[person].micro_usd)),
    )


def forget_looks() -> None:
    """For tests, and for who changed what is spent."""
    _looks.clear()

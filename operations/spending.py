"""What calls cost with the installation's key: noted with the end of each, added up by month.

A note is one more row of what `metrics` writes in the transaction of the call's end: a killed
process loses nothing, and an end costs no further statement. Calls with a person's own key are
theirs to pay and are not counted; simulated ones cost nothing. Amounts are millionths of a US
dollar in whole numbers: sums of many small floats would drift.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from django.db import connection
from django.db.models import BigIntegerField, CharField, Sum, Value
from django.db.models.functions import Cast

from operations.database.batch_sql import update_each
from operations.errors import Usage
from operations.models import MetricDelta, Operation, Spending

NOTE = "spending"
"""The notes' name among the observations."""
MICRO = 1_000_000

Amounts = tuple[int, int, int]
"""Tokens, those without a known price, millionths of a dollar."""


@dataclass(frozen=True)
class Spent:
    """In a month. `usd`: of the calls whose price is known."""

    tokens: int = 0
    unpriced_tokens: int = 0
    micro_usd: int = 0

    @property
    def usd(self) -> Decimal:
        return Decimal(self.micro_usd) / MICRO


def total_usd(costs: Iterable[Decimal | None]) -> Decimal | None:
    """None where any of them is unknown; never 0 for unknown."""
    given = list(costs)
    known = [cost for cost in given if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(given) else None


def month_of(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m}"


def note_of(
    operation: Operation, usage: Usage | None, *, at: datetime
) -> tuple[str, int, int] | None:
    """Labels, tokens and millionths of a dollar of one ended call; None where nothing is owed for
    it, or by somebody else."""
    if usage is None or operation.own_key:
        return None
    tokens = usage.input_tokens + usage.output_tokens
    cost = usage.cost_usd
    if not (cost or (cost is None and tokens)):
        return None
    labels = {
        "month": month_of(at),
        "person": operation.owner_id or Spending.ALL,
        "priced": cost is not None,
    }
    return json.dumps(labels, sort_keys=True), tokens, int((cost or 0) * MICRO)


def add(notes: Iterable[tuple[str, int, float]]) -> None:
    """Fold notes into their months: each counts for its person and for all. In the fold's
    transaction."""
    sums: dict[tuple[str, int], Amounts] = {}
    for labels, tokens, micro_usd in notes:
        month, person, amounts = _read(labels, tokens, micro_usd)
        for whose in {person, Spending.ALL}:
            known = sums.get((month, whose), (0, 0, 0))
            sums[month, whose] = _plus(known, amounts)
    if not sums:
        return
    rows = [Spending(month=month, person=person) for month, person in sorted(sums)]
    Spending.objects.bulk_create(rows, ignore_conflicts=True)
    if connection.features.has_select_for_update:
        # All who fold lock them in one order. SQLite's one lock is ours already.
        months, people = zip(*sums, strict=True)
        rows_of = Spending.objects.filter(month__in=set(months), person__in=set(people))
        list(rows_of.select_for_update().order_by("id").values("id"))
    update_each(
        Spending,
        [
            {"month": month, "person": person, **_named(amounts)}
            for (month, person), amounts in sums.items()
        ],
        match=("month", "person"),
        where={},
        same={},
        add=("tokens", "unpriced_tokens", "micro_usd"),
    )


def spent_in(month: str, people: Collection[int] | None = None) -> Mapping[int, Spent]:
    """By person, under `Spending.ALL` of all together; of these people alone, or of everybody who
    cost something. With what is not folded yet. One statement: between two of them a fold would be
    seen twice, or not at all."""
    months = Spending.objects.filter(month=month).order_by()
    if people is not None:
        months = months.filter(person__in=people)
    columns = ("person", "labels", "tokens", "unpriced_tokens", "micro_usd")
    empty = Value("", output_field=CharField())
    kept = months.annotate(labels=empty).values_list(*columns)
    none = Value(0, output_field=BigIntegerField())
    notes = MetricDelta.objects.filter(name=NOTE).order_by()
    fresh = (
        notes.values("labels")
        .annotate(
            person=none,
            tokens=Sum("count", output_field=BigIntegerField()),
            unpriced_tokens=none,
            micro_usd=Cast(Sum("total"), BigIntegerField()),
        )
        .values_list(*columns)
    )
    found: dict[int, Amounts] = {}
    for person, labels, tokens, unpriced, micro_usd in kept.union(fresh, all=True):
        owners, amounts = {person}, (tokens, unpriced, micro_usd)
        if labels:
            of_month, person, amounts = _read(labels, tokens, micro_usd)
            owners = {person, Spending.ALL} if of_month == month else set()
        for owner in owners:
            found[owner] = _plus(found.get(owner, (0, 0, 0)), amounts)
    return {
        person: Spent(*amounts)
        for person, amounts in found.items()
        if people is None or person in people
    }


def forget(person: int) -> None:
    """Of an account that ends. What it cost stays in the sum of all."""
    Spending.objects.filter(person=person).exclude(person=Spending.ALL).delete()


def _read(labels: str, tokens: int, micro_usd: float) -> tuple[str, int, Amounts]:
    said = json.loads(labels)
    unpriced = 0 if said["priced"] else tokens
    return said["month"], said["person"], (tokens, unpriced, int(micro_usd))


def _plus(known: Amounts, more: Amounts) -> Amounts:
    return known[0] + more[0], known[1] + more[1], known[2] + more[2]


def _named(amounts: Amounts) -> dict[str, int]:
    return dict(zip(("tokens", "unpriced_tokens", "micro_usd"), amounts, strict=True))

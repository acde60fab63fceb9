"""Working out what one call of each kind takes: by the newest calls of this installation, else by
the size of the prompt. In the supervisor: it has the settings that calls are made with."""

from __future__ import annotations

from collections import defaultdict

from django.conf import settings

from operations.credentials import installation_base_url, is_simulated
from operations.database.clock import database_now
from operations.kinds import Kind, all_kinds
from operations.models import CallEstimate, Operation
from operations.prices import SIMULATED_MODEL, cost_usd

NEWEST = 2000
"""Completed operations of all kinds that are looked at."""
FEWEST = 3
"""Fewer say nothing about the next one."""

Tokens = tuple[int, int]
"""Sent and written."""


def estimate_calls() -> None:
    """Keep a row for each kind that is asked for by people. Repeatable, by several supervisors."""
    model = SIMULATED_MODEL if is_simulated() else settings.OPENAI_MODEL
    measured = _measured(model)
    now = database_now()
    for kind in all_kinds():
        if kind.typical_tokens() is not None:
            row = _row(kind, model, measured.get(kind.name, []))
            CallEstimate.objects.update_or_create(
                kind=kind.name, defaults={**row, "updated_at": now}
            )


def _row(kind: Kind, model: str, measured: list[Tokens]) -> dict[str, object]:
    is_measured = len(measured) >= FEWEST
    sent, written = _mean(measured) if is_measured else kind.typical_tokens() or (0, 0)
    if model == SIMULATED_MODEL:
        sent = written = 0
    return {
        "model": model,
        "simulated": model == SIMULATED_MODEL,
        "measured": len(measured) if is_measured else 0,
        "input_tokens": sent,
        "output_tokens": written,
        # The provider's cache makes some calls cheaper; an estimate had better not count on it.
        "cost_usd": cost_usd(
            model=model, base_url=installation_base_url(), sent=sent, cached=0, written=written
        ),
    }


def _mean(measured: list[Tokens]) -> Tokens:
    sent, written = map(sum, zip(*measured, strict=True))
    return round(sent / len(measured)), round(written / len(measured))


def _measured(model: str) -> dict[str, list[Tokens]]:
    """By kind. Servers answer with a dated name of the model that they were asked for."""
    done = Operation.objects.filter(status=Operation.Status.COMPLETED, attempts__gt=0)
    newest = done.order_by("-finished_at").values_list(
        "kind", "model", "input_tokens", "output_tokens"
    )
    found: dict[str, list[Tokens]] = defaultdict(list)
    for kind, answered, sent, written in newest[:NEWEST]:
        if answered.startswith(model) and sent:
            found[kind].append((sent, written))
    return found

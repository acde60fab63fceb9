from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from operations.console import counts


class Command(BaseCommand):
    help = "Count operations by state, errors by category, waiting work, workers and pauses."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="data as JSON on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        stats = counts.stats()
        if options["json"]:
            self.stdout.write(json.dumps(stats))
            return
        states = ", ".join(f"{name} {n}" for name, n in stats["by_state"].items() if n)
        self.stdout.write(f"operations: {states or 'none'}")
        for window, errors in stats["errors"].items():
            categories = ", ".join(f"{name} {n}" for name, n in errors.items())
            self.stdout.write(f"failed in the last {window}: {categories or 'none'}")
        self.stdout.write(
            f"due: {stats['due']}, the oldest for {stats['oldest_pending_seconds']} s;"
            f" in flight: {stats['in_flight']}; workers: {stats['workers']}"
        )
        spent = stats["spending"]
        budget = "no budget" if spent["budget_usd"] is None else f"of {spent['budget_usd']:.2f} USD"
        self.stdout.write(
            f"spent in {spent['month']}: {spent['cost_usd']:.2f} USD ({budget}), {spent['tokens']}"
            f" tokens, {spent['unpriced_tokens']} without a known price;"
            f" people stopped by theirs: {spent['people_stopped']}"
        )
        for alert in stats["alerts"]:
            told = f"told {alert['times_told']} times" if alert["times_told"] else "told nobody"
            self.stdout.write(f"alert: {alert['text']} ({told})")
        for pause in stats["paused"]:
            self.stdout.write(
                f"paused: {pause['credential'] or pause['kind'] or 'everything'}"
                f" ({pause['error_code']}), {pause['waiting']} waiting"
            )

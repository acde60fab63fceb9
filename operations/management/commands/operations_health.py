from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from operations import queries


class Command(BaseCommand):
    help = "Exit 1 when work is not moving: no living worker, or due work older than --max-lag."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--max-lag", type=float, default=60.0, help="seconds that due work may wait"
        )
        parser.add_argument("--json", action="store_true", help="data on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        health = queries.worker_health()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(health)))
        else:
            self.stdout.write(
                f"workers {health.workers}, in flight {health.in_flight},"
                f" due {health.due}, oldest due {health.oldest_due_seconds:.1f} s"
            )
        if health.workers == 0 or health.oldest_due_seconds > options["max_lag"]:
            sys.exit(1)

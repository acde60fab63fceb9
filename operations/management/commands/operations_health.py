from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from operations.console.health import health
from operations.console.telling import as_data, notices
from operations.workers import alerts


class Command(BaseCommand):
    help = (
        "Exit 1 when something is wrong that somebody should look at: no living worker, work older"
        " than --max-lag, a paused credential, calls that fail, restarts, a full disk, alerts that"
        " reach nobody."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--max-lag", type=float, default=60.0, help="seconds that due work may wait"
        )
        parser.add_argument(
            "--tell",
            action="store_true",
            help="send what is due of alerts, as the supervisor does: for a cron job, because a"
            " supervisor that is gone tells nobody",
        )
        parser.add_argument("--json", action="store_true", help="data on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["tell"]:
            alerts.watch_alerts()
            alerts.tell_alerts()
        now = health()
        found = notices(now, max_lag=options["max_lag"])
        complaints = [notice.condition.text for notice in found]
        if options["json"]:
            told = [as_data(notice) for notice in found]
            data = {**asdict(now), "complaints": complaints, "alerts": told}
            self.stdout.write(json.dumps(data))
        else:
            self.stdout.write(
                f"workers {now.workers}, in flight {now.in_flight}, due {now.due.words},"
                f" oldest due {now.due.oldest_seconds:.1f} s, paused {now.paused.words}"
            )
            for complaint in complaints:
                self.stdout.write(complaint)
        if complaints:
            sys.exit(1)

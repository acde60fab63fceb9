"""Looks at the rows all the time: what must hold at every moment, and how long no drain lived."""

from __future__ import annotations

import time

from django.db import Error as DatabaseError
from django.db import connection

from chaos import invariants
from chaos.threads import CampaignThread
from operations.database.clock import database_now
from operations.database.trouble import is_trouble
from operations.models import WorkerHeartbeat

LOOK_SECONDS = 0.5


class Watcher(CampaignThread):
    """`violations` of the live invariants; `longest_without_drain` in seconds."""

    def __init__(self) -> None:
        super().__init__("watcher")
        self.violations: list[str] = []
        self.looks = 0
        self.longest_without_drain = 0.0

    def work(self) -> None:
        last_alive = time.monotonic()
        while not self.ending.wait(LOOK_SECONDS):
            try:
                self.violations += invariants.violations(invariants.LIVE)
                alive = WorkerHeartbeat.objects.filter(expires_at__gt=database_now()).exists()
            except DatabaseError as error:
                if not is_trouble(error):
                    raise
                connection.close()  # the database is down, on purpose
                continue
            self.looks += 1
            if alive:
                last_alive = time.monotonic()
            without = time.monotonic() - last_alive
            self.longest_without_drain = max(self.longest_without_drain, without)

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from operations.workers.supervisor import Supervisor


class Command(BaseCommand):
    help = "Run the workers under a supervisor until SIGTERM or Ctrl-C: the production command."
    # What a worker stands on. All checks would load every page, 20 MB in a process that stays.
    requires_system_checks = ["config", "operations"]

    def handle(self, *args: Any, **options: Any) -> None:
        Supervisor().run()

from __future__ import annotations

from typing import Any

from operations import services
from operations.management.selection import SelectionCommand
from operations.models import Operation


class Command(SelectionCommand):
    help = "Cancel operations that are pending or running."
    statuses = Operation.UNFINISHED

    def handle(self, *args: Any, **options: Any) -> None:
        self.run_on_each(options, services.cancel_operation)

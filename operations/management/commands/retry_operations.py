from __future__ import annotations

from typing import Any

from operations import services
from operations.management.selection import SelectionCommand
from operations.models import Operation


class Command(SelectionCommand):
    help = "Retry failed operations (with --id, cancelled ones too)."
    statuses = (Operation.Status.FAILED,)

    def handle(self, *args: Any, **options: Any) -> None:
        self.run_on_each(options, services.retry_operation)

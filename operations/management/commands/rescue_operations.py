from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from operations import services
from operations.database.clock import database_now
from operations.management.selection import SelectionCommand
from operations.models import Operation


class Command(SelectionCommand):
    help = "Take running operations back from workers whose lease has ended, without a supervisor."
    statuses = (Operation.Status.RUNNING,)
    may_mean_all = True

    def handle(self, *args: Any, **options: Any) -> None:
        self.run_on_each(options, services.rescue_operation)

    def filtered(self, options: dict[str, Any]) -> QuerySet[Operation]:
        operations = super().filtered(options)
        if options["id"]:
            return operations
        return operations.filter(lease_expires_at__lt=database_now())

    def dry_refusal(self, operation: Operation) -> str | None:
        lease = operation.lease_expires_at
        if lease is not None and lease < database_now():
            return None
        return "its lease has not ended" if lease else f"is {operation.status}"

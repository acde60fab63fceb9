from __future__ import annotations

from functools import partial
from typing import Any

from django.core.management.base import CommandParser

from operations import services
from operations.management.selection import SelectionCommand
from operations.models import Operation


class Command(SelectionCommand):
    help = "Say of failures that they were seen: the console and the commands set them aside."
    statuses = (Operation.Status.FAILED,)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--note", default="", help="what was found; never a person's text")

    def handle(self, *args: Any, **options: Any) -> None:
        self.run_on_each(options, partial(services.acknowledge_operation, note=options["note"]))

    def unwanted(self, operation: Operation, options: dict[str, Any]) -> str | None:
        was_seen = operation.acknowledged_at is not None and not options["note"]
        return "was acknowledged before" if was_seen and not options["id"] else None

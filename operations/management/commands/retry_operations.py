from __future__ import annotations

from functools import partial
from typing import Any

from django.core.management.base import CommandParser

from operations import services
from operations.management.selection import SelectionCommand
from operations.models import Operation


class Command(SelectionCommand):
    help = "Retry failed operations (with --id, cancelled ones too)."
    statuses = (Operation.Status.FAILED,)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--when",
            choices=(services.NOW, services.WHEN_POSSIBLE),
            default=services.NOW,
            help="possible: not before the time that the provider named, nor behind a pause",
        )
        parser.add_argument("--model", default="", help="for this run another model than usual")

    def handle(self, *args: Any, **options: Any) -> None:
        verb = partial(services.retry_operation, when=options["when"], model=options["model"])
        self.run_on_each(options, verb)

    def dry_refusal(self, operation: Operation) -> str | None:
        if operation.subject_deleted_at is not None:
            return "what it was about is deleted"
        return None if operation.status in Operation.RETRYABLE else f"is {operation.status}"

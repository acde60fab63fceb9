from __future__ import annotations

from functools import partial
from typing import Any

from django.core.management.base import CommandParser

from operations import services
from operations.errors import rule_of
from operations.management.selection import SelectionCommand
from operations.models import Operation
from operations.queries import is_retryable


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

        parser.add_argument("--acknowledged", action="store_true", help="acknowledged ones, too")
        parser.add_argument(
            "--hopeless",
            action="store_true",
            help="also those that will fail again until somebody does something first",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        verb = partial(
            services.retry_operation,
            when=options["when"],
            model=options["model"],
            # Those that were chosen one by one are no crowd.
            defer=not options["id"],
        )
        self.run_on_each(options, verb)

    def unwanted(self, operation: Operation, options: dict[str, Any]) -> str | None:
        if options["id"] or operation.status != Operation.Status.FAILED:
            return None
        if operation.acknowledged_at is not None and not options["acknowledged"]:
            return "is acknowledged"
        if not is_retryable(operation) and not options["hopeless"]:
            return f"will fail again: {rule_of(operation.error_code).remedy}"
        return None

    def dry_refusal(self, operation: Operation) -> str | None:
        if operation.subject_deleted_at is not None:
            return "what it was about is deleted"
        return None if operation.status in Operation.RETRYABLE else f"is {operation.status}"

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from operations.database.states import STATES, in_state, state_of, with_state
from operations.management.selection import NOTHING_MATCHED, FilteredCommand
from operations.models import Operation

COLUMNS = ("id", "kind", "state", "error_code", "attempts", "age_seconds", "session")
WIDTHS = (36, 20, 14, 24, 8, 11, 36)


class Command(FilteredCommand):
    help = "List operations, oldest first; without --state those that failed."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--state", choices=[*STATES, "all"], default="failed")

    def handle(self, *args: Any, **options: Any) -> None:
        operations = with_state(self.filtered(options))
        if options["state"] != "all" and not options["id"]:
            operations = operations.filter(in_state(options["state"]))
        rows = [row(each) for each in self.limited(operations, options)]
        if options["json"]:
            self.stdout.write(json.dumps(rows))
        elif rows:
            self._write(rows)
        if not rows:
            self.stderr.write("Nothing matched.")
            sys.exit(NOTHING_MATCHED)

    def _write(self, rows: list[dict[str, Any]]) -> None:
        for cells in (dict(zip(COLUMNS, COLUMNS, strict=True)), *rows):
            line = "  ".join(
                str(cells[name] or "-").ljust(width)
                for name, width in zip(COLUMNS, WIDTHS, strict=True)
            )
            self.stdout.write(line.rstrip())


def row(operation: Operation) -> dict[str, Any]:
    now = timezone.now()
    return {
        "id": str(operation.pk),
        "kind": operation.kind,
        "status": operation.status,
        "state": state_of(operation),
        "error_code": operation.error_code,
        "category": operation.error_category,
        "attempts": operation.attempts,
        "run": operation.run,
        "next_attempt_at": operation.next_attempt_at and operation.next_attempt_at.isoformat(),
        "retry_after_at": operation.retry_after_at and operation.retry_after_at.isoformat(),
        "age_seconds": round((now - operation.created_at).total_seconds()),
        "session": str(operation.session_id) if operation.session_id else None,
        "owner": operation.owner_id,
        "model": operation.model,
        "simulated": operation.simulated,
        "created_at": operation.created_at.isoformat(),
        "finished_at": operation.finished_at and operation.finished_at.isoformat(),
    }

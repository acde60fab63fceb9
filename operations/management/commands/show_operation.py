from __future__ import annotations

import json
import sys
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser
from django.forms.models import model_to_dict

from operations.database.states import state_of
from operations.errors import rule_of
from operations.management.selection import NOTHING_MATCHED
from operations.models import Operation

ATTEMPT = ("number", "run", "outcome", "error_code", "http_status", "worker", "request_id")
EVENT = ("name", "from_status", "to_status", "door", "worker", "request_id", "detail")


class Command(BaseCommand):
    help = "All that is known of one operation: its row, its calls and its history."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=UUID)
        parser.add_argument("--json", action="store_true", help="data as JSON on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        operation = Operation.objects.filter(pk=options["id"]).first()
        if operation is None:
            self.stderr.write("Nothing matched.")
            sys.exit(NOTHING_MATCHED)
        data = described(operation)
        if options["json"]:
            self.stdout.write(json.dumps(data, default=str))
        else:
            self._write(data)

    def _write(self, data: dict[str, Any]) -> None:
        for name, value in data.items():
            if not isinstance(value, list):
                self.stdout.write(f"{name}: {value}")
        for name in ("attempts_made", "history"):
            self.stdout.write(f"{name}:")
            for row in data[name]:
                told = "  ".join(f"{key}={value}" for key, value in row.items() if value)
                self.stdout.write(f"  {told}")


def described(operation: Operation) -> dict[str, Any]:
    """JSON-able but for times, ids and decimals, which are told as text."""
    row = model_to_dict(operation)
    return {
        "id": operation.pk,
        "state": state_of(operation),
        **{name: value for name, value in row.items() if value not in (None, "")},
        "remedy": rule_of(operation.error_code).remedy if operation.error_code else "",
        "attempts_made": [
            {"at": each.started_at, **{name: getattr(each, name) for name in ATTEMPT}}
            for each in operation.attempt_ledger.order_by("number")
        ],
        "history": [
            {"at": each.at, **{name: getattr(each, name) for name in EVENT}}
            for each in operation.events.order_by("id")
        ],
    }

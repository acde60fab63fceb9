"""The filters, the report and the exit codes that all commands on many operations share."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone

from operations.errors import Category
from operations.models import Operation
from operations.refusals import Refusal

DONE, FAILED, USAGE, NOTHING_MATCHED, PARTLY_DONE = 0, 1, 2, 3, 4

DOOR = "command"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def duration(text: str) -> timedelta:
    """ "90s", "10m", "2h", "7d"; a bare number is seconds."""
    match = re.fullmatch(r"(\d+)([smhd]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration like 90s, 10m, 2h or 7d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2] or "s"])


class SelectionCommand(BaseCommand):
    """A command that does one verb to each operation that its filters match.

    stdout carries the report, stderr the talk. Exit codes: 0 done, 1 failed, 2 usage, 3 nothing
    matched, 4 partly done.
    """

    statuses: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--id", action="append", type=UUID, default=[], help="may be repeated")
        parser.add_argument("--category", choices=[str(category) for category in Category])
        parser.add_argument("--kind")
        parser.add_argument(
            "--older-than", type=duration, help="by the time it was last queued: 10m, 2h, 7d"
        )
        parser.add_argument("--limit", type=int, help="at most so many, oldest first")
        parser.add_argument("--dry-run", action="store_true", help="say what would be changed")
        parser.add_argument("--json", action="store_true", help="report as JSON on stdout")

    def selected(self, options: dict[str, Any]) -> QuerySet[Operation]:
        operations = Operation.objects.order_by("queued_at", "id")
        if options["id"]:
            operations = operations.filter(pk__in=options["id"])
        else:
            operations = operations.filter(status__in=self.statuses)
        if options["category"]:
            operations = operations.filter(error_category=options["category"])
        if options["kind"]:
            operations = operations.filter(kind=options["kind"])
        if options["older_than"]:
            operations = operations.filter(queued_at__lt=timezone.now() - options["older_than"])
        return operations[: options["limit"]] if options["limit"] is not None else operations

    def run_on_each(self, options: dict[str, Any], verb: Callable[..., Operation]) -> None:
        """Do the verb to each match, print the report and exit with its code."""
        if options["limit"] is not None and options["limit"] < 0:
            raise CommandError("--limit must not be negative", returncode=USAGE)
        changed, skipped = 0, []
        matched = list(self.selected(options))
        for operation in matched:
            reason = self._refusal(operation, options["dry_run"], verb)
            if reason is None:
                changed += 1
            else:
                skipped.append({"id": str(operation.pk), "reason": reason})
        self._report({"matched": len(matched), "changed": changed, "skipped": skipped}, options)
        sys.exit(_exit_code(len(matched), changed))

    def _refusal(
        self, operation: Operation, dry_run: bool, verb: Callable[..., Operation]
    ) -> str | None:
        if dry_run:
            return None if operation.status in self.statuses else f"is {operation.status}"
        try:
            verb(operation_id=operation.pk, door=DOOR)
        except Refusal as refusal:
            return refusal.code
        return None

    def _report(self, report: dict[str, Any], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        would = "would change" if options["dry_run"] else "changed"
        self.stdout.write(
            f"matched {report['matched']}, {would} {report['changed']},"
            f" skipped {len(report['skipped'])}"
        )
        for item in report["skipped"]:
            self.stdout.write(f"  {item['id']}: {item['reason']}")


def _exit_code(matched: int, changed: int) -> int:
    if not matched:
        return NOTHING_MATCHED
    if changed == matched:
        return DONE
    return PARTLY_DONE if changed else FAILED

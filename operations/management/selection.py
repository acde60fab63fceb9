"""The filters, the report and the exit codes that all commands on many operations share."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, TextIO, TypeVar
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone

from operations.errors import Category
from operations.models import Door, Operation
from operations.refusals import Refusal

DONE, FAILED, USAGE, NOTHING_MATCHED, PARTLY_DONE = 0, 1, 2, 3, 4

BAR_WIDTH = 40

LONGEST = timedelta(days=36_500)
"""The calendar begins in the year 1."""

FIELDS = {
    "category": "error_category",
    "code": "error_code",
    "kind": "kind",
    "session": "session_id",
    "user": "owner__username",
    "request_id": "request_id",
}
"""Of operations, by the options that choose by them."""

CHOOSING = ("id", "older_than", *FIELDS)

Row = TypeVar("Row")

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def duration(text: str) -> timedelta:
    """ "90s", "10m", "2h", "7d"; a bare number is seconds."""
    match = re.fullmatch(r"(\d+)([smhd]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration like 90s, 10m, 2h or 7d")
    seconds = int(match[1]) * _UNITS[match[2] or "s"]
    if seconds > LONGEST.total_seconds():
        raise argparse.ArgumentTypeError(f"{text!r} is more than {LONGEST.days} days")
    return timedelta(seconds=seconds)


class FilteredCommand(BaseCommand):
    """A command about the operations that its filters match. stdout carries data, stderr talk."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--id", action="append", type=UUID, default=[], help="may be repeated")
        parser.add_argument("--category", choices=[str(category) for category in Category])
        parser.add_argument("--code", help="an error code: QUOTA_EXCEEDED")
        parser.add_argument("--kind")
        parser.add_argument("--session", type=UUID, help="a session's id")
        parser.add_argument("--user", help="a person's user name")
        parser.add_argument("--request-id", help="of the request that asked for it")
        parser.add_argument(
            "--older-than", type=duration, help="by the time it was last queued: 10m, 2h, 7d"
        )
        parser.add_argument("--limit", type=int, help="at most so many, oldest first")
        parser.add_argument("--json", action="store_true", help="data as JSON on stdout")

    def filtered(self, options: dict[str, Any]) -> QuerySet[Operation]:
        """Oldest first, without the limit."""
        operations = Operation.objects.order_by("queued_at", "id")
        if options["id"]:
            operations = operations.filter(pk__in=options["id"])
        for option, field in FIELDS.items():
            if options[option]:
                operations = operations.filter(**{field: options[option]})
        if options["older_than"]:
            operations = operations.filter(queued_at__lt=timezone.now() - options["older_than"])
        return operations

    def limited(
        self, operations: QuerySet[Operation], options: dict[str, Any]
    ) -> QuerySet[Operation]:
        limit = options["limit"]
        if limit is not None and limit < 0:
            raise CommandError("--limit must not be negative", returncode=USAGE)
        return operations[:limit] if limit is not None else operations


class SelectionCommand(FilteredCommand):
    """A command that does one verb to each operation that its filters match.

    Exit codes: 0 done, 1 failed, 2 usage, 3 nothing matched, 4 partly done.
    """

    statuses: tuple[str, ...] = ()
    """What it takes where no ids are given, and what a dry run counts as changed."""
    may_mean_all: bool = False
    """Whether all may be meant by saying nothing."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--all", action="store_true", help="needed where nothing else chooses")
        parser.add_argument("--yes", action="store_true", help="do not ask whether all are meant")
        parser.add_argument("--dry-run", action="store_true", help="say what would be changed")

    def selected(self, options: dict[str, Any]) -> QuerySet[Operation]:
        operations = self.filtered(options)
        if not options["id"]:
            operations = operations.filter(status__in=self.statuses)
        return self.limited(operations, options)

    def run_on_each(self, options: dict[str, Any], verb: Callable[..., Operation]) -> None:
        """Do the verb to each match, print the report and exit with its code."""
        skipped = []
        matched = list(self.selected(options))
        chosen = self.may_mean_all or any(options[name] for name in CHOOSING)
        if not chosen and not options["dry_run"]:
            self._make_sure(len(matched), options)
        for operation in progress(matched, sys.stderr):
            reason = self.unwanted(operation, options) or self._refusal(operation, options, verb)
            if reason is not None:
                skipped.append({"id": str(operation.pk), "reason": reason})
        changed = len(matched) - len(skipped)
        report(self, options, matched=len(matched), changed=changed, skipped=skipped)

    def _make_sure(self, count: int, options: dict[str, Any]) -> None:
        if not options["all"]:
            raise CommandError("choose some, or say --all; see --help", returncode=USAGE)
        if options["yes"] or not count:
            return
        if not sys.stdin.isatty():
            raise CommandError(f"{count} match: say --yes if all are meant", returncode=USAGE)
        if input(f"{count} match. Are all of them meant? [y/N] ").strip().lower() != "y":
            raise CommandError("nothing was changed", returncode=FAILED)

    def unwanted(self, operation: Operation, options: dict[str, Any]) -> str | None:
        """Why a match is left out; None: it is not."""
        return None

    def _refusal(
        self, operation: Operation, options: dict[str, Any], verb: Callable[..., Operation]
    ) -> str | None:
        if options["dry_run"]:
            return self.dry_refusal(operation)
        try:
            verb(operation_id=operation.pk, door=Door.COMMAND)
        except Refusal as refusal:
            return refusal.code
        return None

    def dry_refusal(self, operation: Operation) -> str | None:
        return None if operation.status in self.statuses else f"is {operation.status}"


def progress(rows: list[Row], terminal: TextIO) -> Iterator[Row]:
    """The rows, with a bar on a terminal and nothing where the output goes elsewhere."""
    is_shown = terminal.isatty() and len(rows) > 1
    for number, row in enumerate(rows, start=1):
        yield row
        if is_shown and (number % 10 == 0 or number == len(rows)):
            filled = BAR_WIDTH * number // len(rows)
            bar = "#" * filled + "-" * (BAR_WIDTH - filled)
            end = "\n" if number == len(rows) else ""
            terminal.write(f"\r[{bar}] {number}/{len(rows)}{end}")
            terminal.flush()


def report(
    command: BaseCommand,
    options: dict[str, Any],
    *,
    matched: int,
    changed: int,
    skipped: list[dict[str, str]],
) -> None:
    """Print `{"matched", "changed", "skipped"}` and end with the exit code that goes with it."""
    if options["json"]:
        data = {"matched": matched, "changed": changed, "skipped": skipped}
        command.stdout.write(json.dumps(data))
    else:
        would = "would change" if options["dry_run"] else "changed"
        command.stdout.write(f"matched {matched}, {would} {changed}, skipped {len(skipped)}")
        for item in skipped:
            command.stdout.write(f"  {item['id']}: {item['reason']}")
    sys.exit(_exit_code(matched, changed))


def _exit_code(matched: int, changed: int) -> int:
    if not matched:
        return NOTHING_MATCHED
    if changed == matched:
        return DONE
    return PARTLY_DONE if changed else FAILED

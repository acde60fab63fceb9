from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations import services
from operations.database.paused import labels_in_use
from operations.management.selection import USAGE, report


class Command(BaseCommand):
    help = (
        "Hold back the operations of a credential; by itself those that living workers call with."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--credential", help="as the console names it: base URL#fingerprint")
        parser.add_argument("--reason", required=True, help="for whoever meets the pause")
        parser.add_argument("--dry-run", action="store_true", help="say what would be changed")
        parser.add_argument("--json", action="store_true", help="data as JSON on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        named = options["credential"]
        credentials = [named] if named else sorted(labels_in_use())
        if not credentials:
            sentence = "no living worker calls with a key: name one by --credential"
            raise CommandError(sentence, returncode=USAGE)
        skipped = [
            {"id": credential, "reason": "is paused already"}
            for credential in credentials
            if not options["dry_run"]
            and not services.pause_provider(credential=credential, reason=options["reason"])
        ]
        matched = len(credentials)
        report(self, options, matched=matched, changed=matched - len(skipped), skipped=skipped)

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations import services
from operations.management.selection import USAGE, report
from operations.pauses import pausable_kinds


class Command(BaseCommand):
    help = "Hold back everything, or one kind or credential, until resume_provider."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--kind", help="of AI call: hold back these alone, whatever the key")
        parser.add_argument("--credential", help="as the console names it: base URL#fingerprint")
        parser.add_argument("--reason", required=True, help="for whoever meets the pause")
        parser.add_argument("--dry-run", action="store_true", help="say what would be changed")
        parser.add_argument("--json", action="store_true", help="data as JSON on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        kind, credential = options["kind"] or "", options["credential"] or ""
        if kind and credential:
            raise CommandError("say --kind or --credential, not both", returncode=USAGE)
        if kind not in ("", *pausable_kinds()):
            known = ", ".join(pausable_kinds())
            raise CommandError(f"no kind is called {kind!r}; there are {known}", returncode=USAGE)
        skipped = []
        if not options["dry_run"] and not services.pause_provider(
            credential=credential, kind=kind, reason=options["reason"]
        ):
            what = kind or credential or "everything"
            skipped.append({"id": what, "reason": "is paused already"})
        report(self, options, matched=1, changed=1 - len(skipped), skipped=skipped)

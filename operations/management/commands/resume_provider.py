from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from operations import services
from operations.errors import Category
from operations.management.selection import duration, report
from operations.models import ProviderPause
from operations.refusals import Refusal


class Command(BaseCommand):
    help = "Let the operations of paused credentials run again; with --probe, send one of each."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--credential", action="append", default=[], help="may be repeated")
        parser.add_argument("--category", choices=[str(category) for category in Category])
        parser.add_argument("--older-than", type=duration, help="paused for longer: 10m, 2h, 7d")
        parser.add_argument(
            "--probe", action="store_true", help="send the oldest waiting one; success resumes"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be changed")
        parser.add_argument("--json", action="store_true", help="data as JSON on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        pauses = ProviderPause.objects.filter(resumed_at=None).order_by("paused_at")
        if options["credential"]:
            pauses = pauses.filter(credential__in=options["credential"])
        if options["category"]:
            pauses = pauses.filter(error_category=options["category"])
        if options["older_than"]:
            pauses = pauses.filter(paused_at__lt=timezone.now() - options["older_than"])
        credentials = list(pauses.values_list("credential", flat=True))
        skipped = []
        for credential in credentials:
            reason = None if options["dry_run"] else _refusal(credential, probe=options["probe"])
            if reason is not None:
                skipped.append({"id": credential, "reason": reason})
        changed = len(credentials) - len(skipped)
        report(self, options, matched=len(credentials), changed=changed, skipped=skipped)


def _refusal(credential: str, *, probe: bool) -> str | None:
    if not probe:
        return None if services.resume_provider(credential=credential) else "was resumed before"
    try:
        services.probe_provider(credential=credential)
    except Refusal as refusal:
        return refusal.code
    return None

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from operations import services
from operations.errors import Category
from operations.management.selection import duration, report
from operations.models import Door, Operation, ProviderPause
from operations.refusals import Refusal

LOOK_SECONDS = 0.5


class Command(BaseCommand):
    help = "Let the operations of paused credentials run again; with --probe, after a try."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--credential", action="append", default=[], help="may be repeated")
        parser.add_argument("--category", choices=[str(category) for category in Category])
        parser.add_argument("--older-than", type=duration, help="paused for longer: 10m, 2h, 7d")
        parser.add_argument(
            "--probe", action="store_true", help="send a tiny call first; its success resumes"
        )
        parser.add_argument(
            "--wait", type=float, default=60.0, help="for a probe's outcome, seconds (0: do not)"
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
            reason = None if options["dry_run"] else _refusal(credential, options)
            if reason is not None:
                skipped.append({"id": credential, "reason": reason})
        changed = len(credentials) - len(skipped)
        report(self, options, matched=len(credentials), changed=changed, skipped=skipped)


def _refusal(credential: str, options: dict[str, Any]) -> str | None:
    if not options["probe"]:
        return None if services.resume_provider(credential=credential) else "was resumed before"
    try:
        probe = services.probe_provider(credential=credential, door=Door.COMMAND)
    except Refusal as refusal:
        return refusal.code
    return _why_still_paused(credential, probe, options["wait"]) if options["wait"] else None


def _why_still_paused(credential: str, probe: Operation, seconds: float) -> str | None:
    """None: the probe's success has resumed the credential."""
    end = time.monotonic() + seconds
    while ProviderPause.objects.filter(credential=credential, resumed_at=None).exists():
        probe.refresh_from_db()
        if probe.status in Operation.RETRYABLE:
            return f"the probe ended {probe.status}: {probe.error_code}".rstrip(": ")
        if probe.status == Operation.Status.COMPLETED:
            return f"the probe succeeded, but with another key: {probe.credential}"
        if time.monotonic() > end:
            return f"no answer within {seconds:g} s; is a worker alive?"
        time.sleep(LOOK_SECONDS)
    return None

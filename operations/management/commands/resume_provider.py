from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from operations import services
from operations.database import paused
from operations.errors import Category
from operations.management.selection import duration, report
from operations.models import Door, Operation, ProviderPause
from operations.pauses import BY_HAND
from operations.refusals import Refusal

LOOK_SECONDS = 0.5


class Command(BaseCommand):
    help = "Let what is paused run again; with --probe, after a try."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--credential", action="append", default=[], help="may be repeated")
        parser.add_argument("--kind", help="what pause_provider --kind holds back")
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
        pauses = paused.OPEN.order_by("paused_at")
        if options["probe"]:
            pauses = pauses.exclude(error_code=BY_HAND)  # no answer of the provider ends that
        if options["credential"]:
            pauses = pauses.filter(credential__in=options["credential"])
        if options["kind"]:
            pauses = pauses.filter(kind=options["kind"])
        if options["category"]:
            pauses = pauses.filter(error_category=options["category"])
        if options["older_than"]:
            pauses = pauses.filter(paused_at__lt=timezone.now() - options["older_than"])
        chosen = list(pauses)
        skipped = []
        for pause in chosen:
            reason = None if options["dry_run"] else _refusal(pause, options)
            if reason is not None:
                what = pause.credential or pause.kind or "everything"
                skipped.append({"id": what, "reason": reason})
        changed = len(chosen) - len(skipped)
        report(self, options, matched=len(chosen), changed=changed, skipped=skipped)


def _refusal(pause: ProviderPause, options: dict[str, Any]) -> str | None:
    if not options["probe"]:
        resumed = services.resume_provider(credential=pause.credential, kind=pause.kind)
        return None if resumed else "was resumed before"
    try:
        probe = services.probe_provider(credential=pause.credential, door=Door.COMMAND)
    except Refusal as refusal:
        return refusal.code
    if not options["wait"]:
        return None
    return _why_still_paused(pause.credential, probe, options["wait"])


def _why_still_paused(credential: str, probe: Operation, seconds: float) -> str | None:
    """None: the probe's success has resumed the credential."""
    end = time.monotonic() + seconds
    while paused.OPEN.filter(credential=credential).exists():
        probe.refresh_from_db()
        if probe.status in Operation.RETRYABLE:
            return f"the probe ended {probe.status}: {probe.error_code}".rstrip(": ")
        if probe.status == Operation.Status.COMPLETED:
            return f"the probe succeeded, but with another key: {probe.credential}"
        if time.monotonic() > end:
            return f"no answer within {seconds:g} s; is a worker alive?"
        time.sleep(LOOK_SECONDS)
    return None

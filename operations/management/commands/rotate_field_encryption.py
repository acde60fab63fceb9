from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from operations import encryption
from operations.management.selection import report
from operations.models import OwnKey

REWRITTEN = "was saved or deleted meanwhile"
UNREADABLE = "no key of FIELD_ENCRYPTION_KEY decrypts it"


class Command(BaseCommand):
    help = (
        "Encrypt people's own keys anew, with the first key of FIELD_ENCRYPTION_KEY, so that those"
        " behind it can be taken out. Exit 3: all are under the first key already."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would be changed")
        parser.add_argument("--json", action="store_true", help="data as JSON on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        stored = OwnKey.objects.order_by("pk").values_list("pk", "encrypted")
        old = [(pk, token) for pk, token in stored if encryption.number_of_key(token) != 0]
        reasons = {pk: _refusal(pk, token, dry_run=options["dry_run"]) for pk, token in old}
        skipped = [{"id": str(pk), "reason": reason} for pk, reason in reasons.items() if reason]
        changed = len(old) - len(skipped)
        report(self, options, matched=len(old), changed=changed, skipped=skipped)


def _refusal(pk: int, token: str, *, dry_run: bool) -> str:
    if encryption.number_of_key(token) is None:
        return UNREADABLE
    if dry_run:
        return ""
    # As it was read: its owner may have saved another one since.
    unmoved = OwnKey.objects.filter(pk=pk, encrypted=token)
    return "" if unmoved.update(encrypted=encryption.reencrypt(token)) else REWRITTEN

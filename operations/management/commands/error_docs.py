"""Write the error rules into docs/errors.md and the README, or say that they are stale."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from operations.errors.reference import readme_table, reference, with_block

DOCUMENTS: dict[str, Callable[[], str]] = {"docs/errors.md": reference, "README.md": readme_table}


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; exit 1 when a document is stale"
        )

    def handle(self, *, check: bool, **options: Any) -> None:
        stale = [name for name, block in DOCUMENTS.items() if not self._is_current(name, block())]
        if check and stale:
            raise CommandError(f"stale: {', '.join(stale)}. Run manage.py error_docs.")
        for name in stale:
            path = Path(settings.BASE_DIR) / name
            path.write_text(with_block(path.read_text("utf-8"), DOCUMENTS[name]()), "utf-8")
            self.stderr.write(f"wrote {name}")

    def _is_current(self, name: str, block: str) -> bool:
        text = (Path(settings.BASE_DIR) / name).read_text("utf-8")
        try:
            return with_block(text, block) == text
        except ValueError as fault:
            raise CommandError(f"{name}: {fault}") from None

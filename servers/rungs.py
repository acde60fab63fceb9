"""Practices on each rung of the ladder with the server that OPENAI_BASE_URL names.

`python -m servers.rungs` prints the table of docs/providers.md, or what is known so far where it is
ended by Ctrl-C or SIGTERM. The database is a file of its own.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile

import django
from django.conf import settings
from django.core.management import call_command

folder = tempfile.TemporaryDirectory()
os.environ["DATABASE_URL"] = f"sqlite:///{folder.name}/practice.sqlite3"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DJANGO_DEBUG", "true")
django.setup()

from operations.capabilities import Rung  # noqa: E402
from servers.practice import (  # noqa: E402
    PAIRS,
    End,
    practise,
    quotes_that_are_not_in_their_answer,
    table,
    texts_of,
)

RUNGS = ("auto", *map(str, Rung))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rungs", nargs="*", default=RUNGS, choices=RUNGS)
    parser.add_argument(
        "--pairs",
        nargs="*",
        type=int,
        default=range(1, len(PAIRS) + 1),
        choices=range(1, len(PAIRS) + 1),
        help="of posting and résumé, by number",
    )
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ends: dict[tuple[str, int], list[End]] = {}
    try:
        for pair in options.pairs:
            for rung in options.rungs:
                settings.OPENAI_STRUCTURED_OUTPUT = rung
                for end in practise(*texts_of(pair)):
                    ends.setdefault((rung, pair), []).append(end)
                    print(rung, pair, end, file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("Ended before its end.", file=sys.stderr)
    print("\n".join(table(ends)))
    print(f"\nQuotes that are not in the answer: {quotes_that_are_not_in_their_answer()}")


if __name__ == "__main__":
    main()

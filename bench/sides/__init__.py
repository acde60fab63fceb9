"""The sides: how each starts its workers and how work is given to it. One class a side."""

from __future__ import annotations

from typing import Protocol

from bench.options import Run


class Side(Protocol):
    def __init__(self, run: Run) -> None: ...

    def commands(self) -> list[list[str]]:
        """The worker processes' command lines."""

    def is_ready(self) -> bool:
        """Whether every worker process takes work."""

    def enqueue(self, job_ids: list[str]) -> None:
        """Commit the work for jobs whose rows are there already: as a whole where the library can,
        one by one where it cannot."""

    def unfinished(self) -> int:
        """How many jobs have not ended, well or badly."""


NAMES = ("ours", "django_q2", "celery", "dramatiq", "procrastinate")
PEERS = ("celery", "dramatiq", "procrastinate")
"""Those with as many calls in flight as ours. django-q2 is compared with by itself."""

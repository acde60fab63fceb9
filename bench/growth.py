"""What an installation with a long past costs: what is asked all the time, against its operations.

    DATABASE_URL=… python -m bench.growth 1000000

An empty database of its own is migrated and filled (one that is full is measured again): operations
that ended within 90 days, a tenth of them failed, with their attempts and events, and 2,000 that
are due. Needs nothing of the other parts. Prints one JSON object: milliseconds of processor time,
which another load on the machine does not change much.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DJANGO_DEBUG", "true")
os.environ["RETENTION_DAYS"] = "60"
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from bench.claim import claim_and_roll_back  # noqa: E402
from operations import kinds  # noqa: E402
from operations.console.exposition import expose  # noqa: E402
from operations.engine import leases  # noqa: E402
from operations.models import Attempt, Operation, OperationEvent  # noqa: E402
from operations.tests.crowd import make_completed, make_failed, multiply  # noqa: E402
from operations.tests.judgement.kind import JudgementKind  # noqa: E402
from operations.workers import pruning  # noqa: E402

ORIGINALS = 10_000
"""Written by the ORM; the database copies them."""

PAST = timedelta(days=90)
DUE = 2000
REPEATS = 15

CONSOLE = "/admin/operations/operation/"


def main() -> None:
    rows = int(sys.argv[1])
    settings.ALLOWED_HOSTS = ["localhost"]
    kinds.register(JudgementKind())
    call_command("migrate", verbosity=0)
    if not Operation.objects.exists():
        fill(rows)
    print(json.dumps({"database": connection.vendor, "rows": rows, **measured()}))


def fill(rows: int) -> None:
    """The copies keep the times of their originals."""
    owner = get_user_model().objects.create_user("owner")
    many = min(rows, ORIGINALS)
    # The oldest first, as they would have been written.
    make_failed("SERVER_ERROR", many // 10, ago=PAST, spread=-PAST, owner=owner)
    make_completed(many - many // 10, ago=PAST, spread=-PAST, owner=owner)
    if rows > many:
        multiply(rows // many, history=True)
    now = timezone.now()
    Operation.objects.bulk_create(
        Operation(
            kind="judgement", subject_type="test", subject_id=str(uuid.uuid4()), queued_at=now
        )
        for _ in range(DUE)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def measured() -> dict[str, float]:
    owner = get_user_model().objects.get(username="owner")
    users = get_user_model().objects
    operator = users.filter(username="operator").first() or users.create_superuser("operator")
    person, console = Client(SERVER_NAME="localhost"), Client(SERVER_NAME="localhost")
    person.force_login(owner)
    console.force_login(operator)
    return {
        "attempts": Attempt.objects.count(),
        "events": OperationEvent.objects.count(),
        "scrape_ms": cost_ms(lambda: expose("")),
        "claim_ms": cost_ms(claim_and_roll_back),
        "sweep_ms": cost_ms(leases.sweep),
        "api_list_ms": cost_ms(lambda: get(person, "/api/v1/operations/")),
        "console_ms": cost_ms(lambda: get(console, CONSOLE), repeats=5),
        "console_all_ms": cost_ms(lambda: get(console, f"{CONSOLE}?state=all"), repeats=5),
        "prune_ms": cost_ms(pruning.prune, repeats=5),
    }


def get(client: Client, url: str) -> None:
    answered = client.get(url).status_code
    if answered != 200:
        raise SystemExit(f"{url} answered {answered}")


def cost_ms(step: Callable[[], object], *, repeats: int = REPEATS) -> float:
    """The mean of some, after one that is not counted."""
    step()
    began = processor_seconds()
    for _ in range(repeats):
        step()
    return round(1000 * (processor_seconds() - began) / repeats, 1)


def processor_seconds() -> float:
    """Of this process and of its PostgreSQL backend, which has to be on this machine."""
    own = time.process_time()
    if connection.vendor == "sqlite":
        return own
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return own + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()

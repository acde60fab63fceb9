"""What a claim, a poll and the console's list cost against the number of rows in the table.

`python -m bench.tables <rows>` runs in the environment of a `bench.options.Run`: one process, one
fresh database, the product's own functions and views. Prints one JSON object.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402

from bench.claim import claim_and_roll_back  # noqa: E402
from bench.sides.ours import KIND, SUBJECT  # noqa: E402
from bench.work.jobs import make_jobs, settle_database  # noqa: E402
from operations.credentials import installation_credential  # noqa: E402
from operations.models import Operation  # noqa: E402

OWNERS = 50
DUE = 2000
"""Operations in front of the queue, with the rows that their requests need."""

REPEATS = 40

API = "/api/v1/operations/{}/"
CONSOLE = "/admin/operations/operation/"


def main() -> None:
    rows = int(sys.argv[1])
    owners = [get_user_model().objects.create_user(f"owner{n}").pk for n in range(OWNERS)]
    fill(rows, owners, status="completed", ago=timedelta(days=1))
    submit_due()
    settle_database()
    figures = {"rows": rows, **measured(), "plans": plans()}
    fill(rows, owners, status="pending", ago=-timedelta(days=1))
    settle_database()
    figures["claim_from_backlog_ms"] = median_ms(claim_and_roll_back)
    print(json.dumps(figures))


def fill(rows: int, owners: Sequence[int], *, status: str, ago: timedelta) -> None:
    """Copies of one row that the ORM wrote, a second apart; 3 % of the finished ones failed. What
    is pending has been queued now, and only its turn comes later: else much of it had expired."""
    now = timezone.now()
    at = now - ago
    ended = {"finished_at": at, "started_at": at} if status == "completed" else {}
    template = Operation.objects.create(
        kind=KIND,
        status=status,
        subject_type=SUBJECT,
        subject_id=str(uuid.uuid4()),
        queued_at=at if ended else now,
        turn_at=at,
        attempts=1,
        fence=1,
        model="gpt-6-luna",
        credential=installation_credential().label,
        waiting_reason="" if ended else "queued",
        **ended,
    )
    own: dict[str, str] = {
        "id": new_id(),
        "subject_id": new_id() if connection.vendor == "sqlite" else f"{new_id()}::text",
        "owner_id": f"{owners[0]} + n %% {len(owners)}",
    }
    if ended:
        for name, when in (("status", "'failed'"), ("error_code", "'SERVER_ERROR'")):
            own[name] = f"CASE WHEN n %% 33 = 0 THEN {when} ELSE t.{name} END"
        own["error_category"] = (
            "CASE WHEN n %% 33 = 0 THEN 'server_error' ELSE t.error_category END"
        )
    for name in ("created_at", "queued_at", "turn_at", *ended) if ended else ("turn_at",):
        own[name] = seconds_from(f"t.{name}", "-" if ended else "+")
    columns = [str(field.column) for field in Operation._meta.concrete_fields]
    values = ", ".join(own.get(column, f"t.{column}") for column in columns)
    table = Operation._meta.db_table
    parts = (
        f"INSERT INTO {table} ({', '.join(columns)})",
        f"WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows})",
        f"SELECT {values} FROM {table} t, s WHERE t.id = %s",
    )
    with connection.cursor() as cursor:
        key = template.pk.hex if connection.vendor == "sqlite" else template.pk
        cursor.execute(" ".join(parts), [key])


def new_id() -> str:
    return "lower(hex(randomblob(16)))" if connection.vendor == "sqlite" else "gen_random_uuid()"


def seconds_from(time_column: str, sign: str) -> str:
    if connection.vendor == "sqlite":
        return f"datetime({time_column}, '{sign}' || n || ' seconds') || '.000000'"
    return f"{time_column} {sign} n * interval '1 second'"


def submit_due() -> None:
    job_ids, at = make_jobs(DUE)
    Operation.objects.bulk_create(
        Operation(kind=KIND, subject_type=SUBJECT, subject_id=job_id, queued_at=at)
        for job_id in job_ids
    )


def measured() -> dict[str, float]:
    user = get_user_model().objects.get(username="owner0")
    operator = get_user_model().objects.create_superuser("operator")
    person, console = Client(SERVER_NAME="localhost"), Client(SERVER_NAME="localhost")
    person.force_login(user)
    console.force_login(operator)
    mine = [
        API.format(pk)
        for pk in Operation.objects.filter(owner=user).values_list("pk", flat=True)[:REPEATS]
    ]
    tags = {url: person.get(url)["ETag"] for url in mine}
    return {
        "claim_ms": median_ms(claim_and_roll_back),
        "get_ms": median_ms(*[lambda url=url: get(person, url, 200) for url in mine]),
        "unchanged_ms": median_ms(
            *[lambda url=url: get(person, url, 304, HTTP_IF_NONE_MATCH=tags[url]) for url in mine]
        ),
        "list_ms": median_ms(lambda: get(person, "/api/v1/operations/", 200)),
        "console_ms": median_ms(lambda: get(console, CONSOLE, 200), repeats=5),
        "console_failed_ms": median_ms(
            lambda: get(console, f"{CONSOLE}?state=failed&category=server_error", 200), repeats=5
        ),
    }


def get(client: Client, url: str, status: int, **headers: Any) -> None:
    answered = client.get(url, **headers).status_code
    if answered != status:
        raise SystemExit(f"{url} answered {answered}")


def median_ms(*steps: Callable[[], None], repeats: int = REPEATS) -> float:
    """Wall time; all steps in turn, the first of each not counted."""
    steps[0]()
    times = []
    for number in range(repeats):
        began = time.perf_counter()
        steps[number % len(steps)]()
        times.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(times), 3)


def plans() -> dict[str, list[str]]:
    """EXPLAIN of the statements that a claim and a poll really send."""
    with CaptureQueriesContext(connection) as claim:
        claim_and_roll_back()
    operation = Operation.objects.order_by("created_at")[0]
    with CaptureQueriesContext(connection) as poll:
        list(Operation.objects.filter(pk=operation.pk, owner=operation.owner_id))
    due = next(each["sql"] for each in claim.captured_queries if "turn_at" in each["sql"])
    return {"claim": explained(due), "get": explained(poll.captured_queries[0]["sql"])}


def explained(sql: str) -> list[str]:
    words = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN (COSTS OFF)"
    with connection.cursor() as cursor:
        cursor.execute(f"{words} {sql}")
        return [str(row[-1]) for row in cursor.fetchall()]


if __name__ == "__main__":
    main()
